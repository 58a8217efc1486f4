/// Changes to the objective by models: auxiliary losses and stopped gradients.
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {

Tensor stop_gradient(Tensor x) {
  expect_defined(x, "stop_gradient");
  x.set_slot(nullptr);
  x.set_parameter(-1);
  if (Stopped* stopped = Context::current().stopped) {
    if (!x.contiguous()) x = Tensor::copy_of(x);
    stopped->pass(x);
  }
  return x;
}

void auxiliary_loss(const Tensor& terms, double coefficient, const SequenceLayout& layout) {
  if (!recording()) return;
  expect_defined(terms, "auxiliary_loss");
  double sum = 0;
  for (long i = 0; i < terms.size(); ++i) sum += double(terms.data()[i]);
  Context::current().tape->add_auxiliary(coefficient * sum * layout.weight);
  if (!wants_gradient(terms)) return;
  Tensor gradient = Tensor::empty_like(terms);
  kernels::fill(gradient.data(), gradient.size(), Real(coefficient * layout.weight));
  accumulate_gradient(terms, std::move(gradient));
}

}  // namespace lra::inline LRA_ENGINE
