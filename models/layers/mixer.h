/// The interface of most models: a token mixer, which every block of the stack contains (blocks.h).
///
/// A `Mixer` may be any map from (T, C) to (T, C). `Attention` owns the projections to queries, keys and values and
/// back, so that a derived class only implements `attend`. A model is one .cpp in models/attention with its Config, its
/// forward pass and one registration line (registry.h). A model that changes the stack itself is an Encoder
/// (encoder.h).
#pragma once

#include <string>

#include "models/layers/projections.h"
#include "models/layers/registry.h"
#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

class Mixer {
 public:
  virtual ~Mixer() = default;
  /// x (T,C), the packed tokens of all sequences → (T,C). Thread-safe.
  virtual Tensor forward(Tensor x, const SequenceLayout& layout) const = 0;
};

/// mixer.forward(x); a Capture (models/autodiff/capture.h) keeps its input and its result under the name `path`.
Tensor forward_as(const std::string& path, const Mixer& mixer, Tensor x, const SequenceLayout& layout);

/// Multi-head attention: the projections (projections.h) around a model's `attend`.
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
