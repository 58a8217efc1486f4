#include "models/layers/state.h"

#include <algorithm>

#include "models/autodiff/tape.h"

namespace lra::inline LRA_ENGINE {

Tensor State::values() const {
  Tensor values = place_;
  values.set_parameter(-1);
  return values;
}

void State::add(Tensor sums) const {
  if (training() && recording()) give(place_, std::move(sums));
}

Metric::Metric(const Scope& scope, const std::string& name)
    : place_(scope.add_state(
          name, {1}, Init::zeros(),
          [](std::span<Real> values, std::span<const Real> sums) {
            std::copy(sums.begin(), sums.end(), values.begin());
          },
          true)) {}

void Metric::add(double sum, const Pack& pack) const {
  if (!training() || !recording()) return;
  Tensor value = Tensor::empty({1});
  value.data()[0] = Real(sum * pack.weight);
  give(place_, std::move(value));
}

}  // namespace lra::inline LRA_ENGINE
