#include "models/layers/shared_states.h"

#include "models/ops/recurrences.h"

namespace lra::inline LRA_ENGINE {

SharedStates::SharedStates(const ParameterScope& scope, long width, long states, double deviation, bool causal)
    : causal_(causal),
      out_(scope.add("out", {width, 2 * states}, Init::normal(deviation))),
      out_reversed_(causal ? Parameter() : scope.add("out_reversed", {width, 2 * states}, Init::normal(deviation))),
      skip_(scope.add("skip", {width}, Init::normal(1))) {}

Tensor SharedStates::operator()(const Tensor& u, const Tensor& in, const Tensor& matrix, const Tensor& log_steps,
                                Discretisation method, double factor, const SequenceLayout& layout) const {
  Tensor b = linear(u, in);
  const auto read = [&](Tensor inputs, Direction direction, const Tensor& out) {
    return linear(state_scan(matrix, log_steps, std::move(inputs), method, layout, direction), scale(out, factor));
  };
  Tensor y = add(read(b, Direction::forward, out_), multiply(u, skip_));
  if (causal_) return y;
  return add(std::move(y), read(std::move(b), Direction::backward, out_reversed_));
}

}  // namespace lra::inline LRA_ENGINE
