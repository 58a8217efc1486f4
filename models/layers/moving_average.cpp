#include "models/layers/moving_average.h"

#include <cmath>
#include <vector>

#include "models/ops/moving_average_filters.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {
namespace {

std::vector<double> alternating_signs(long count) {
  std::vector<double> signs;
  signs.reserve(std::size_t(count));
  for (long m = 0; m < count; ++m) signs.push_back(m % 2 == 0 ? 1 : -1);
  return signs;
}

}  // namespace

MovingAverage::MovingAverage(const ParameterScope& scope, long width, long states, bool causal) : causal_(causal) {
  const Shape shape = {(causal ? 1 : 2) * width, states};
  alpha_ = scope.add("alpha", shape, Init::normal(0.2));
  delta_ = scope.add("delta", shape, Init::normal(0.2));
  beta_ = scope.add("beta", shape, Init::rows(alternating_signs(states)));
  eta_ = scope.add("eta", shape, Init::normal(1));
  omega_ = scope.add("omega", {width}, Init::normal(1));
}

Tensor MovingAverage::operator()(const Tensor& x, const SequenceLayout& layout) const {
  const long width = x.dim(1), length = layout.longest();
  const Tensor alpha = sigmoid(alpha_), rates = multiply(alpha, sigmoid(delta_));
  const Tensor weights = scale(multiply(multiply(alpha, beta_), eta_), 1 / std::sqrt(double(beta_.shape()[1])));
  const auto filters = [&](long first, long taps) {
    return moving_average_filters(rows(rates, first, width), rows(weights, first, width), taps);
  };
  Tensor before, skip = omega_;
  if (!causal_) {
    const Tensor later = filters(width, length + 1);  // the first tap belongs to the token itself
    before = rows(later, 1, length);
    skip = add(rows(later, 0, 1), skip);
  }
  return silu(add(long_convolution(x, filters(0, length), before, layout), multiply(x, skip)));
}

}  // namespace lra::inline LRA_ENGINE
