/// Ops along the rows of matrices: norm, softmax, division, sums.
#include <cmath>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/permute.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Matrix i of a stack whose rows are contiguous.
View slice(Tensor& x, long i) {
  return {x.data() + (x.rank() == 3 ? i * x.stride(0) : 0), x.dim(-2), x.dim(-1),
          x.dim(-2) == 1 ? x.dim(-1) : x.stride(-2)};
}
ConstView slice(const Tensor& x, long i) {
  return {x.data() + (x.rank() == 3 ? i * x.stride(0) : 0), x.dim(-2), x.dim(-1),
          x.dim(-2) == 1 ? x.dim(-1) : x.stride(-2)};
}
long slices(const Tensor& x) { return x.rank() == 3 ? x.dim(0) : 1; }

}  // namespace

Tensor layer_norm(Tensor x, const Tensor& gamma, const Tensor& beta, double epsilon) {
  expect_matrix(x, "layer_norm");
  const long n = x.dim(0), c = x.dim(1);
  expect_input(gamma, {c}, "layer_norm", "gamma");
  expect_input(beta, {c}, "layer_norm", "beta");
  Tensor y = Tensor::empty(x.shape()), mean = Tensor::empty({n}), rstd = Tensor::empty({n});
  kernels::layer_norm(x.data(), gamma.data(), beta.data(), n, c, Real(epsilon), y.data(), mean.data(), rstd.data());
  return record(std::move(y), [x = std::move(x), gamma, beta, mean, rstd, n, c](Tensor dy) {
    kernels::layer_norm_backward(x.data(), gamma.data(), mean.data(), rstd.data(), dy.data(), n, c, dy.data(),
                                 zeroed_gradient_sink(gamma).data(), zeroed_gradient_sink(beta).data());
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor rms_norm(Tensor x, const Tensor& gamma, double epsilon) {
  expect_matrix(x, "rms_norm");
  const long n = x.dim(0), c = x.dim(1);
  expect_input(gamma, {c}, "rms_norm", "gamma");
  const auto unit_of = [n, c](const Tensor& from, const Tensor& inverse) {
    Tensor unit = Tensor::copy_of(from);
    kernels::scale_rows(inverse.data(), {unit.data(), n, c, c});
    return unit;
  };
  Tensor inverse = Tensor::empty({n});
  kernels::row_dots(slice(std::as_const(x), 0), slice(std::as_const(x), 0), inverse.data());
  for (long i = 0; i < n; ++i) inverse.data()[i] = 1 / std::sqrt(inverse.data()[i] / Real(c) + Real(epsilon));
  Tensor y = unit_of(x, inverse);
  for (long i = 0; i < n; ++i) kernels::multiply(gamma.data(), y.data() + i * c, c);
  return record(std::move(y), [x = std::move(x), gamma, inverse, unit_of, n, c](Tensor dy) {
    const Tensor unit = unit_of(x, inverse);  // dx = (g − unit (g·unit)/C) / ‖x‖, g = gamma ∘ dy
    Tensor dots = Tensor::empty({n});
    Tensor dgamma = zeroed_gradient_sink(gamma);
    for (long i = 0; i < n; ++i) {
      kernels::multiply_add(dy.data() + i * c, unit.data() + i * c, dgamma.data(), c);
      kernels::multiply(gamma.data(), dy.data() + i * c, c);
    }
    kernels::row_dots(slice(std::as_const(dy), 0), slice(unit, 0), dots.data());
    for (long i = 0; i < n; ++i)
      kernels::add_scaled(unit.data() + i * c, -dots.data()[i] / Real(c), dy.data() + i * c, c);
    kernels::scale_rows(inverse.data(), slice(dy, 0));
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor softmax(Tensor x) {
  expect_stack(x, "softmax");
  Tensor y = x.sole_owner() ? x : Tensor::copy_of(x);
  for (long i = 0; i < slices(y); ++i) kernels::softmax(slice(y, i));
  return record(y, [x = x.without_data(), y](Tensor dy) {
    dy = in_order_of(std::move(dy), y);
    for (long i = 0; i < slices(y); ++i) kernels::softmax_backward(slice(y, i), slice(dy, i));
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor l2_normalize(Tensor x, long head_count) {
  constexpr Real kEpsilon = Real(1e-12);
  const long d = head_width(x, head_count, "l2_normalize"), n = x.dim(0) * head_count;
  const auto by_head = [n, d](auto& t) { return View{const_cast<Real*>(t.data()), n, d, d}; };
  Tensor y = x.sole_owner() ? x : Tensor::copy_of(x), inverse = Tensor::empty({n});
  kernels::row_dots(by_head(y), by_head(y), inverse.data());
  for (long i = 0; i < n; ++i) inverse.data()[i] = 1 / std::sqrt(inverse.data()[i] + kEpsilon);
  kernels::scale_rows(inverse.data(), by_head(y));
  return record(y, [x = x.without_data(), y, inverse, by_head, n, d](Tensor dy) {  // dx = (dy − (y·dy) y) / ‖x‖
    Tensor dots = Tensor::empty({n});
    kernels::row_dots(by_head(y), by_head(dy), dots.data());
    for (long i = 0; i < n; ++i) kernels::add_scaled(y.data() + i * d, -dots.data()[i], dy.data() + i * d, d);
    kernels::scale_rows(inverse.data(), by_head(dy));
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor scale_heads(Tensor x, Tensor factors) {
  expect_matrix(factors, "scale_heads", "factors");
  const long n = factors.size(), d = head_width(x, factors.dim(1), "scale_heads");
  expect_input(factors, {x.dim(0), factors.dim(1)}, "scale_heads", "factors");
  const auto by_head = [n, d](Tensor& t) { return View{t.data(), n, d, d}; };
  Tensor y = Tensor::copy_of(x);
  kernels::scale_rows(factors.data(), by_head(y));
  return record(std::move(y), [x = std::move(x), factors = std::move(factors), by_head, n, d](Tensor dy) {
    Tensor dfactors = Tensor::empty(factors.shape());
    kernels::row_dots(ConstView{x.data(), n, d, d}, by_head(dy), dfactors.data());
    accumulate_gradient(factors, std::move(dfactors));
    kernels::scale_rows(factors.data(), by_head(dy));
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor divide_rows(Tensor x, Tensor d, double epsilon) {
  expect_stack(x, "divide_rows");
  expect_stack(d, "divide_rows", "divisor");
  const long count = slices(x), n = x.dim(-2);
  if (slices(d) != count || d.dim(-2) != n || d.dim(-1) != 1)
    fail("[divide_rows] {} needs one divisor per row, not {}", x.shape().text(), d.shape().text());
  Tensor inverse = Tensor::empty({count, n});
  for (long i = 0; i < count; ++i)
    for (long r = 0; r < n; ++r) {
      const ConstView divisor = slice(std::as_const(d), i);
      inverse.data()[i * n + r] = 1 / (divisor.data[r * divisor.stride] + Real(epsilon));
    }
  Tensor y = Tensor::copy_of(x);
  for (long i = 0; i < count; ++i) kernels::scale_rows(inverse.data() + i * n, slice(y, i));
  return record(y, [x = x.without_data(), d = d.without_data(), y, inverse, count, n](Tensor dy) {
    dy = in_order_of(std::move(dy), y);
    Tensor dd = Tensor::empty({count, n});  // −Σ dy∘y / (d + ε)
    for (long i = 0; i < count; ++i) kernels::row_dots(slice(std::as_const(dy), i), slice(y, i), dd.data() + i * n);
    kernels::multiply(inverse.data(), dd.data(), count * n);
    kernels::scale(dd.data(), count * n, -1);
    accumulate_gradient(d, d.rank() == 3 ? dd.view({count, n, 1}, {n, 1, 1}) : dd.view({n, 1}, {1, 1}));
    for (long i = 0; i < count; ++i) kernels::scale_rows(inverse.data() + i * n, slice(dy, i));
    accumulate_gradient(x, std::move(dy));
  });
}

}  // namespace lra::inline LRA_ENGINE
