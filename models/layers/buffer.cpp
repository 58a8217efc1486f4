#include "models/layers/buffer.h"

#include <algorithm>

#include "models/autodiff/tape.h"

namespace lra::inline LRA_ENGINE {

Tensor Buffer::values() const {
  Tensor values = place_;
  values.set_parameter(-1);
  return values;
}

void Buffer::add(Tensor sums) const {
  if (training() && recording()) accumulate_gradient(place_, std::move(sums));
}

Metric::Metric(const ParameterScope& scope, const std::string& name)
    : place_(scope.add_buffer(
          name, {1}, Init::zeros(),
          [](std::span<Real> values, std::span<const Real> sums) {
            std::copy(sums.begin(), sums.end(), values.begin());
          },
          true)) {}

void Metric::add(double sum, const SequenceLayout& layout) const {
  if (!training() || !recording()) return;
  Tensor value = Tensor::empty({1});
  value.data()[0] = Real(sum * layout.weight);
  accumulate_gradient(place_, std::move(value));
}

}  // namespace lra::inline LRA_ENGINE
