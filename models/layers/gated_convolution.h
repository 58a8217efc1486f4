/// What long-convolution models do with their filters: convolve, add a skip connection, and mix the features.
#pragma once

#include "models/layers/gated_linear.h"
#include "models/layers/registry.h"

namespace lra::inline LRA_ENGINE {

/// GLU(GELU(filters ∗ x + skip ∘ x)): the layer of S4 around its filters. Gu, Goel, Ré. arXiv:2111.00396, §3.4, with
/// the gated linear unit of the authors' code.
class GatedConvolution {
 public:
  /// Adds "skip" (C) from N(0,1), and the linear layers "value" and "gate".
  GatedConvolution(const ParameterScope& scope, const LayerDims& dims);
  /// x (T,C), filters as those of long_convolution → (T,C).
  Tensor operator()(const Tensor& x, const Tensor& filters, const SequenceLayout& layout) const;
  /// What follows the convolution, given its result (T,C).
  Tensor gated(const Tensor& x, Tensor convolved) const;

 private:
  Parameter skip_;
  GatedLinear gated_;
};

}  // namespace lra::inline LRA_ENGINE
