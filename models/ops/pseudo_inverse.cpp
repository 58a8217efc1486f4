/// The pseudo-inverse of square matrices by an iteration of matrix products, whose derivative is known.
///
/// An iteration is Z ← ¼ Z·T₃ with X = A·Z, T₁ = 7I − X, T₂ = 15I − X·T₁, T₃ = 13I − X·T₂. Only the Z are kept.
#include <cmath>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/permute.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// The largest sum of absolute values over the rows or columns of a matrix, and its index.
struct Norm {
  long line = 0;
  Real value = -1;

  Norm(const Real* a, long n, long line_step, long step) {
    for (long i = 0; i < n; ++i) {
      Real sum = 0;
      for (long j = 0; j < n; ++j) sum += std::abs(a[i * line_step + j * step]);
      if (sum > value) line = i, value = sum;
    }
  }
};

Norm row_norm(const Real* a, long n) { return {a, n, n, 1}; }
Norm column_norm(const Real* a, long n) { return {a, n, 1, n}; }

View square(Real* x, long n) { return {x, n, n, n}; }
ConstView square(const Real* x, long n) { return {x, n, n, n}; }

/// diagonal · I − a·b.
Tensor minus_product(Real diagonal, const ConstView& a, const ConstView& b) {
  Tensor y = Tensor::empty({a.rows, a.rows});
  kernels::gemm(a, false, b, false, y.matrix(), false, -1);
  for (long i = 0; i < a.rows; ++i) y.data()[i * a.rows + i] += diagonal;
  return y;
}

struct Step {
  Tensor x, t1, t2, t3;

  Step(const ConstView& a, const ConstView& z) : x(Tensor::empty({a.rows, a.rows})) {
    kernels::gemm(a, false, z, false, x.matrix());
    t1 = Tensor::copy_of(x);
    kernels::scale(t1.data(), t1.size(), -1);
    for (long i = 0; i < a.rows; ++i) t1.data()[i * a.rows + i] += 7;
    t2 = minus_product(15, x.matrix(), t1.matrix());
    t3 = minus_product(13, x.matrix(), t2.matrix());
  }

  /// Replaces dz, the gradient of the iteration's result, by the gradient of its input z; adds to da.
  void backward(const ConstView& a, const ConstView& z, Tensor& dz, View da) const {
    Tensor dt3 = Tensor::empty(x.shape()), dt = Tensor::empty(x.shape()), dx = Tensor::empty(x.shape());
    kernels::gemm(z, true, dz.matrix(), false, dt3.matrix(), false, Real(0.25));
    kernels::gemm(dt3.matrix(), false, t2.matrix(), true, dx.matrix(), false, -1);
    kernels::gemm(x.matrix(), true, dt3.matrix(), false, dt.matrix(), false, -1);  // gradient of T₂
    kernels::gemm(dt.matrix(), false, t1.matrix(), true, dx.matrix(), true, -1);
    kernels::gemm(x.matrix(), true, dt.matrix(), false, dx.matrix(), true);  // −X·T₁ and T₁ = 7I − X
    kernels::gemm(dz.matrix(), false, t3.matrix(), true, dt3.matrix(), false, Real(0.25));
    kernels::gemm(a, true, dx.matrix(), false, dt3.matrix(), true);
    kernels::gemm(dx.matrix(), false, z, true, da, true);
    dz = std::move(dt3);
  }
};

/// Aᵀ / (‖A‖₁·‖A‖∞).
void start(const Real* a, long n, Real* z) {
  const Real factor = 1 / (row_norm(a, n).value * column_norm(a, n).value);
  for (long i = 0; i < n; ++i)
    for (long j = 0; j < n; ++j) z[j * n + i] = factor * a[i * n + j];
}

/// Adds to da the contribution of dz, the gradient of the initial z.
void start_backward(const Real* a, long n, const Real* z, const Real* dz, Real* da) {
  const Norm row = row_norm(a, n), column = column_norm(a, n);
  const Real factor = 1 / (row.value * column.value);
  Real dot = 0;  // minus the gradient of the logarithm of either norm
  for (long i = 0; i < n * n; ++i) dot += z[i] * dz[i];
  for (long i = 0; i < n; ++i)
    for (long j = 0; j < n; ++j) da[i * n + j] += factor * dz[j * n + i];
  const auto add = [&](long at, Real norm) { da[at] -= Real((a[at] > 0) - (a[at] < 0)) * dot / norm; };
  for (long i = 0; i < n; ++i) {
    add(row.line * n + i, row.value);
    add(i * n + column.line, column.value);
  }
}

}  // namespace

Tensor pseudo_inverse(const Tensor& a, long iterations) {
  expect_defined(a, "pseudo_inverse");
  if (a.rank() < 2 || a.rank() > 3 || a.dim(-1) != a.dim(-2) || a.dim(-1) < 1)
    fail("[pseudo_inverse] {} is not square", a.shape().text());
  if (iterations < 0)
    fail("[pseudo_inverse] {} iterations on {}; there must be at least 0", iterations, a.shape().text());
  const long n = a.dim(-1), count = a.size() / (n * n);
  const Tensor flat = in_order(a, a.rank() == 3 ? Shape{n * n, n, 1} : Shape{n, 1});
  std::vector<Tensor> all(1, Tensor::empty(a.shape()));
  for (long i = 0; i < count; ++i) start(flat.data() + i * n * n, n, all[0].data() + i * n * n);
  for (long t = 0; t < iterations; ++t) {
    const Tensor& z = all.back();
    Tensor next = Tensor::empty(a.shape());
    for (long at = 0; at < a.size(); at += n * n)
      kernels::gemm(square(z.data() + at, n), false,
                    Step(square(flat.data() + at, n), square(z.data() + at, n)).t3.matrix(), false,
                    square(next.data() + at, n), false, Real(0.25));
    if (recording())
      all.push_back(std::move(next));
    else
      all.back() = std::move(next);
  }
  return record(all.back(), [a = a.without_data(), flat, all, n, iterations](Tensor dy) {
    dy = in_order_of(std::move(dy), flat);
    Tensor da = Tensor::zeros(a.shape());
    for (long at = 0; at < flat.size(); at += n * n) {
      Tensor dz = Tensor::empty({n, n});
      kernels::copy(dy.data() + at, dz.data(), n * n);
      for (long t = iterations - 1; t >= 0; --t) {
        const ConstView m = square(flat.data() + at, n), z = square(all[std::size_t(t)].data() + at, n);
        Step(m, z).backward(m, z, dz, square(da.data() + at, n));
      }
      start_backward(flat.data() + at, n, all[0].data() + at, dz.data(), da.data() + at);
    }
    accumulate_gradient(a, std::move(da));
  });
}

}  // namespace lra::inline LRA_ENGINE
