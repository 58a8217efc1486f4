/// The gated linear unit: a linear layer whose results another one opens and closes.
#pragma once

#include "models/layers/basic.h"

namespace lra::inline LRA_ENGINE {

/// (x·Vᵀ + b) ∘ σ(x·Wᵀ + c), (T,C) → (T,C). Dauphin, Fan, Auli, Grangier. arXiv:1612.08083, §2.
class GatedLinear {
 public:
  /// Adds the linear layers "value" and "gate".
  GatedLinear(const ParameterScope& scope, long width, const Init& weights, const Init& bias);
  Tensor operator()(Tensor x) const;

 private:
  Linear value_, gate_;
};

}  // namespace lra::inline LRA_ENGINE
