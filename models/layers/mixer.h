/// What most models are: a token mixer, put into every block of the stack (blocks.h).
///
/// `Mixer` may do anything that maps (T, C) to (T, C). `Attention` owns the projections to queries, keys and values and
/// back, and asks for one thing only: `attend`. A model is one .cpp in models/attention: its Config, its forward pass,
/// one registration line (registry.h). What changes the stack itself is an Encoder (encoder.h).
#pragma once

#include "models/layers/projections.h"
#include "models/layers/registry.h"
#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

class Mixer {
 public:
  virtual ~Mixer() = default;
  /// x (T,C), the packed tokens of all sequences → (T,C). Called by several threads at once.
  virtual Tensor forward(Tensor x, const SequenceLayout& layout) const = 0;
};

/// The multi-head shell of the Transformer: the projections (projections.h), and between them what a model does.
class Attention : public Mixer {
 public:
  Attention(const LayerDims& dims, const ParameterScope& scope);
  Tensor forward(Tensor x, const SequenceLayout& layout) const final;

 protected:
  /// q, k, v (T, H·D), packed → (T, H·D).
  virtual Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const = 0;
  const LayerDims& dims() const { return dims_; }

 private:
  LayerDims dims_;
  Projections projections_;
};

}  // namespace lra::inline LRA_ENGINE
