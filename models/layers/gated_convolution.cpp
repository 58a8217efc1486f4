#include "models/layers/gated_convolution.h"

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

GatedConvolution::GatedConvolution(const ParameterScope& scope, const LayerDims& dims)
    : skip_(scope.add("skip", {dims.width}, Init::normal(1))),
      gated_(scope, dims.width, Init::torch(dims.width), Init::torch(dims.width)) {}

Tensor GatedConvolution::operator()(const Tensor& x, const Tensor& filters, const SequenceLayout& layout) const {
  return gated(x, long_convolution(x, filters, layout));
}

Tensor GatedConvolution::gated(const Tensor& x, Tensor convolved) const {
  return gated_(gelu(add(std::move(convolved), multiply(x, skip_))));
}

}  // namespace lra::inline LRA_ENGINE
