#include "models/layers/gated_linear.h"

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

GatedLinear::GatedLinear(const ParameterScope& scope, long width, const Init& weights, const Init& bias)
    : value_(scope / "value", width, width, weights, bias), gate_(scope / "gate", width, width, weights, bias) {}

Tensor GatedLinear::operator()(Tensor x) const {
  Tensor open = sigmoid(gate_(x));
  return multiply(value_(std::move(x)), std::move(open));
}

}  // namespace lra::inline LRA_ENGINE
