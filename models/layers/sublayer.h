/// What a block is made of: sublayers, each applied as x + f(norm(x)) (pre-norm, as LRA's code has it).
#pragma once

#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

class LayerNorm;

class Sublayer {
 public:
  virtual ~Sublayer() = default;
  /// f, its dropout included: x (T,C), the packed tokens of all sequences → (T,C). Called by several threads at once.
  virtual Tensor forward(Tensor x, const SequenceLayout& layout) const = 0;
  /// x + forward(norm(x)). To be overridden by what does all of it in one pass over the tokens.
  virtual Tensor residual(Tensor x, const LayerNorm& norm, const SequenceLayout& layout) const;
};

/// A sublayer that treats every token by itself, as the feed-forward network of the Transformer does (Vaswani et al.
/// arXiv:1706.03762, §3.3). What mixes tokens is a Mixer (mixer.h).
class PositionWise : public Sublayer {};

}  // namespace lra::inline LRA_ENGINE
