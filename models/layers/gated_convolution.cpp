#include "models/layers/gated_convolution.h"

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

GatedConvolution::GatedConvolution(const ParameterScope& scope, const LayerDims& dims)
    : skip_(scope.add("skip", {dims.width}, Init::normal(1))),
      gated_(scope, dims.width, Init::torch(dims.width), Init::torch(dims.width)) {}

Tensor GatedConvolution::operator()(const Tensor& x, const Tensor& filters, const SequenceLayout& layout) const {
  const long width = x.dim(1);
  const bool one_sided = filters.dim(1) == width;
  const Tensor after = one_sided ? filters : head_columns(filters, 1, 0, width);
  const Tensor before = one_sided ? Tensor() : head_columns(filters, 1, width, width);
  return gated_(gelu(add(long_convolution(x, after, before, layout), multiply(x, skip_))));
}

}  // namespace lra::inline LRA_ENGINE
