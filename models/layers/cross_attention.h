/// Softmax attention from one batch of packed sequences to another.
#pragma once

#include "models/layers/parameters.h"
#include "models/layers/projections.h"
#include "models/ops/sequence_layout.h"

namespace lra::inline LRA_ENGINE {

/// Multi-head attention with queries from x and keys and values from the context: sequence s of x sees all of sequence
/// s of the context.
class CrossAttention {
 public:
  CrossAttention(const LayerDims& dims, const ParameterScope& scope);
  /// x (T,C), context (T',C) → (T,C).
  Tensor operator()(Tensor x, const SequenceLayout& layout, const Tensor& context,
                    const SequenceLayout& context_layout) const;

 private:
  long heads_;
  Projections projections_;
  Dropout site_;
};

}  // namespace lra::inline LRA_ENGINE
