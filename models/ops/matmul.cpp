#include "core/error.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// One matrix of a stack: row-major in memory, or row-major after a transposition.
struct Slice {
  View view;
  bool transposed;
};

/// Matrix i of x (…,rows,cols); a tensor without a leading dimension is used for every i.
Slice slice(const Tensor& x, long i) {
  Real* data = const_cast<Real*>(x.data()) + (x.rank() == 3 ? i * x.stride(0) : 0);
  const long rows = x.dim(-2), cols = x.dim(-1);
  if (x.stride(-1) == 1 || cols == 1) return {{data, rows, cols, rows == 1 ? cols : x.stride(-2)}, false};
  return {{data, cols, rows, cols == 1 ? rows : x.stride(-1)}, true};
}

/// c = a·b or c += a·b, each transposed in memory or not.
void product(const Slice& a, bool transpose_a, const Slice& b, bool transpose_b, const Slice& c, bool add) {
  if (c.transposed)
    kernels::gemm(b.view, !(transpose_b != b.transposed), a.view, !(transpose_a != a.transposed), c.view, add);
  else
    kernels::gemm(a.view, transpose_a != a.transposed, b.view, transpose_b != b.transposed, c.view, add);
}

long slices(const Tensor& x) { return x.rank() == 3 ? x.dim(0) : 1; }

/// Allocates the result. Its heads are side by side if those of a are, so that merging them is free.
Tensor result_like(const Tensor& a, long count, bool stacked, long rows, long cols) {
  if (!stacked) return Tensor::empty({rows, cols});
  if (a.rank() == 3 && a.stride(2) == 1 && a.stride(0) < a.stride(1))
    return Tensor::empty({rows, count * cols}).view({count, rows, cols}, {cols, count * cols, 1});
  return Tensor::empty({count, rows, cols});
}

/// The gradient of one factor: dx_i = left_i · right_i, summed over i when all slices share the factor.
void factor_gradient(const Tensor& x, const Tensor& left, bool transpose_left, const Tensor& right,
                     bool transpose_right, long count) {
  if (!wants_gradient(x)) return;
  GradientSink dx = gradient_sink(x);
  for (long i = 0; i < count; ++i)
    product(slice(left, i), transpose_left, slice(right, i), transpose_right, slice(dx.gradient, i),
            dx.add || (x.rank() == 2 && i > 0));
}

}  // namespace

Tensor matmul(Tensor a, Tensor b) {
  const auto is_stack = [](const Tensor& x) { return x.defined() && (x.rank() == 2 || x.rank() == 3); };
  if (!is_stack(a) || !is_stack(b))
    fail("[matmul] {} and {} are not both matrices or stacks of matrices", a.shape().text(), b.shape().text());
  const long count = std::max(slices(a), slices(b));
  const auto has_slices = [count](const Tensor& x) { return x.rank() == 2 || x.dim(0) == count; };
  if (a.dim(-1) != b.dim(-2) || !has_slices(a) || !has_slices(b))
    fail("[matmul] {} does not fit {}", a.shape().text(), b.shape().text());
  Tensor y = result_like(a, count, a.rank() == 3 || b.rank() == 3, a.dim(-2), b.dim(-1));
  for (long i = 0; i < count; ++i) product(slice(a, i), false, slice(b, i), false, slice(y, i), false);
  return record(std::move(y), [a = std::move(a), b = std::move(b), count](Tensor dy) {
    factor_gradient(a, dy, false, b, true, count);
    factor_gradient(b, a, true, dy, false, count);
  });
}

}  // namespace lra::inline LRA_ENGINE
