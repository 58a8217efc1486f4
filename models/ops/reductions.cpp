/// Sums and means over a dimension, and cumulative sums along each sequence.
#include <vector>

#include "core/error.h"
#include "models/ops/detail/broadcast.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"

namespace lra::inline LRA_ENGINE {
namespace {

void expect_axis(const Tensor& x, int axis, const char* op) {
  expect_defined(x, op);
  if (axis < -x.rank() || axis >= x.rank()) fail("[{}] {} has no axis {}", op, x.shape().text(), axis);
}

/// Replaces every row of a sequence by the sum of the rows up to it or, if `backwards`, from it on.
void accumulate(Tensor& x, const SequenceLayout& layout, bool backwards) {
  const long c = x.dim(1);
  for (long s = 0; s < layout.count(); ++s) {
    std::vector<double> sums(std::size_t(c), 0.0);
    for (long i = 0; i < layout.size(s); ++i) {
      Real* row = x.data() + (backwards ? layout.begin(s + 1) - 1 - i : layout.begin(s) + i) * c;
      for (long j = 0; j < c; ++j) row[j] = Real(sums[std::size_t(j)] += double(row[j]));
    }
  }
}

}  // namespace

Tensor sum(const Tensor& x, int axis) {
  expect_axis(x, axis, "sum");
  Shape shape = x.shape();
  shape[axis] = 1;
  Tensor y = Tensor::zeros(shape);
  add_reduced(x, y);
  return record(std::move(y), [x = x.without_data()](const Tensor& dy) {
    if (!wants_gradient(x)) return;
    Tensor dx = Tensor::empty_like(x);
    combine(dy, dy, dx, [](Real value, Real) { return value; });
    accumulate_gradient(x, std::move(dx));
  });
}

Tensor mean(const Tensor& x, int axis) {
  expect_axis(x, axis, "mean");
  if (x.dim(axis) == 0) fail("[mean] {} is empty along axis {}", x.shape().text(), axis);
  return scale(sum(x, axis), 1 / double(x.dim(axis)));
}

Tensor cumulative_sum(Tensor x, const SequenceLayout& layout) {
  expect_steps(false, "cumulative_sum");
  expect_packed(x, layout, "cumulative_sum");
  Tensor y = x.sole_owner() ? x : Tensor::copy_of(x);
  accumulate(y, layout, false);
  return record(std::move(y), [x = x.without_data(), layout](Tensor dy) {
    accumulate(dy, layout, true);
    accumulate_gradient(x, std::move(dy));
  });
}

}  // namespace lra::inline LRA_ENGINE
