#include "models/layers/gated_convolution.h"

#include <cmath>

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// As PyTorch initialises linear layers.
Init uniform(const LayerDims& dims) {
  const double bound = 1 / std::sqrt(double(dims.width));
  return Init::uniform(-bound, bound);
}

}  // namespace

GatedConvolution::GatedConvolution(const ParameterScope& scope, const LayerDims& dims)
    : skip_(scope.add("skip", {dims.width}, Init::normal(1))),
      value_(scope / "value", dims.width, dims.width, uniform(dims), uniform(dims)),
      gate_(scope / "gate", dims.width, dims.width, uniform(dims), uniform(dims)) {}

Tensor GatedConvolution::operator()(const Tensor& x, const Tensor& filters, const SequenceLayout& layout) const {
  const long width = x.dim(1);
  const bool one_sided = filters.dim(1) == width;
  const Tensor after = one_sided ? filters : head_columns(filters, 1, 0, width);
  const Tensor before = one_sided ? Tensor() : head_columns(filters, 1, width, width);
  Tensor y = gelu(add(long_convolution(x, after, before, layout), multiply(x, skip_)));
  Tensor open = sigmoid(gate_(y));
  return multiply(value_(std::move(y)), std::move(open));
}

}  // namespace lra::inline LRA_ENGINE
