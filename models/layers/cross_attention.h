/// Softmax attention from one set of packed sequences to another.
#pragma once

#include "models/layers/parameters.h"
#include "models/layers/projections.h"
#include "models/ops/pack.h"

namespace lra::inline LRA_ENGINE {

/// Multi-head attention with queries from x, keys and values from the context: sequence s of x sees all of sequence s
/// of the context.
class CrossAttention {
 public:
  CrossAttention(const Geometry& geometry, const Scope& scope);
  /// x (T,C), context (T',C) → (T,C).
  Tensor operator()(Tensor x, const Pack& pack, const Tensor& context, const Pack& context_pack) const;

 private:
  long heads_;
  Projections projections_;
  Dropout site_;
};

}  // namespace lra::inline LRA_ENGINE
