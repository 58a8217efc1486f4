/// The sublayers of a block, each applied as x + f(norm(x)) (pre-norm, as in LRA's code).
#pragma once

#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

class LayerNorm;

class Sublayer {
 public:
  virtual ~Sublayer() = default;
  /// f, including its dropout: x (T,C), the packed tokens of all sequences → (T,C). Thread-safe.
  virtual Tensor forward(Tensor x, const SequenceLayout& layout) const = 0;
  /// x + forward(norm(x)). Override it to compute all of this in one pass over the tokens.
  virtual Tensor residual(Tensor x, const LayerNorm& norm, const SequenceLayout& layout) const;
};

/// A sublayer that treats every token by itself, as the feed-forward network of the Transformer does (Vaswani et al.
/// arXiv:1706.03762, §3.3). Layers that mix tokens are Mixers (mixer.h).
class PositionWise : public Sublayer {};

}  // namespace lra::inline LRA_ENGINE
