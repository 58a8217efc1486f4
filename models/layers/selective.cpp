#include "models/layers/selective.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

Init time_step_bias() {
  const auto before_softplus = [](double log_step) {
    const double step = std::max(std::exp(log_step), 1e-4);
    return step + std::log(-std::expm1(-step));
  };
  return Init::mapped(before_softplus, Init::uniform(std::log(0.001), std::log(0.1)));
}

ShortConvolution::ShortConvolution(const ParameterScope& scope, long width, long taps, bool causal)
    : causal_(causal),
      taps_(scope.add("convolution", {width, causal ? taps : 2 * taps - 1}, Init::torch(taps))),
      bias_(scope.add("convolution_bias", {width}, Init::torch(taps))) {}

Tensor ShortConvolution::operator()(Tensor x, const SequenceLayout& layout) const {
  return silu(add(depthwise_convolution(std::move(x), taps_, layout, causal_), bias_));
}

}  // namespace lra::inline LRA_ENGINE
