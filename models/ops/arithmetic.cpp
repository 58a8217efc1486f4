/// Sums, differences, products and quotients of tensors. Operands of equal shape run over flat memory; others are
/// broadcast, and their gradients are summed over the repeated dimensions.
#include "core/error.h"
#include "models/ops/detail/broadcast.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/permute.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// The shape to which a and b are broadcast.
Shape common_shape(const Tensor& a, const Tensor& b, const char* op) {
  expect_defined(a, op);
  expect_defined(b, op);
  const Tensor &wide = a.rank() < b.rank() ? b : a, &narrow = a.rank() < b.rank() ? a : b;
  Shape shape = wide.shape();
  for (int i = 1; i <= narrow.rank(); ++i) {
    if (narrow.dim(-i) != wide.dim(-i) && narrow.dim(-i) != 1 && wide.dim(-i) != 1)
      fail("[{}] {} and {} do not broadcast: sizes may differ only where one of them is 1", op, a.shape().text(),
           b.shape().text());
    if (wide.dim(-i) == 1) shape[-i] = narrow.dim(-i);
  }
  return shape;
}

/// f(a, b) with broadcasting. The result has the order of dimensions of the operand that has its shape.
template <typename F>
Tensor combined(const Tensor& a, const Tensor& b, const Shape& shape, F f) {
  Tensor y = a.shape() == shape   ? Tensor::empty_like(a)
             : b.shape() == shape ? Tensor::empty_like(b)
                                  : Tensor::empty(shape);
  combine(a, b, y, f);
  return y;
}

/// Adds to the gradient of x the gradient dy of its broadcast form.
void accumulate_reduced(const Tensor& x, Tensor dy) {
  if (x.shape() == dy.shape()) return accumulate_gradient(x, std::move(dy));
  if (!wants_gradient(x)) return;
  Tensor sums = zeroed_gradient_sink(x);
  add_reduced(dy, sums);
}

Real product(Real a, Real b) { return a * b; }
Real quotient(Real a, Real b) { return a / b; }

}  // namespace

Tensor add(Tensor a, Tensor b) {
  const Shape shape = common_shape(a, b, "add");
  const bool alike = a.shape() == b.shape();
  if (alike && b.sole_owner() && !a.sole_owner()) std::swap(a, b);
  Tensor y;
  if (alike) {
    y = a.sole_owner() ? a : Tensor::copy_of(a);
    kernels::add(in_order_of(b, a).data(), y.data(), y.size());
  } else {
    y = combined(a, b, shape, [](Real p, Real q) { return p + q; });
  }
  return record(std::move(y), [a = a.without_data(), b = b.without_data()](Tensor dy) {
    if (wants_gradient(a)) accumulate_reduced(a, wants_gradient(b) ? Tensor::copy_of(dy) : dy);
    accumulate_reduced(b, std::move(dy));
  });
}

Tensor subtract(Tensor a, const Tensor& b) {
  const Shape shape = common_shape(a, b, "subtract");
  Tensor y;
  if (a.shape() == b.shape()) {
    y = Tensor::copy_of(a);
    kernels::add_scaled(in_order_of(b, a).data(), -1, y.data(), y.size());
  } else {
    y = combined(a, b, shape, [](Real p, Real q) { return p - q; });
  }
  return record(std::move(y), [a = a.without_data(), b = b.without_data()](Tensor dy) {
    if (wants_gradient(a)) accumulate_reduced(a, Tensor::copy_of(dy));
    kernels::scale(dy.data(), dy.size(), -1);
    accumulate_reduced(b, std::move(dy));
  });
}

Tensor multiply(Tensor a, Tensor b) {
  const Shape shape = common_shape(a, b, "multiply");
  if (a.shape() != b.shape()) {
    Tensor y = combined(a, b, shape, product);
    return record(std::move(y), [a = std::move(a), b = std::move(b), shape](const Tensor& dy) {
      if (wants_gradient(a)) accumulate_reduced(a, combined(dy, b, shape, product));
      if (wants_gradient(b)) accumulate_reduced(b, combined(dy, a, shape, product));
    });
  }
  Tensor y = Tensor::copy_of(a);
  kernels::multiply(in_order_of(b, a).data(), y.data(), y.size());
  return record(std::move(y), [a = std::move(a), b = std::move(b)](Tensor dy) {
    if (wants_gradient(a)) {
      Tensor da = Tensor::copy_of(dy);
      kernels::multiply(in_order_of(b, da).data(), da.data(), da.size());
      accumulate_gradient(a, std::move(da));
    }
    kernels::multiply(in_order_of(a, dy).data(), dy.data(), dy.size());
    accumulate_gradient(b, std::move(dy));
  });
}

Tensor divide(const Tensor& a, Tensor b) {
  const Shape shape = common_shape(a, b, "divide");
  Tensor y = combined(a, b, shape, quotient);
  return record(y, [a = a.without_data(), b = std::move(b), y, shape](const Tensor& dy) {
    Tensor da = combined(dy, b, shape, quotient);
    if (wants_gradient(b)) accumulate_reduced(b, combined(da, y, shape, [](Real p, Real q) { return -p * q; }));
    if (wants_gradient(a)) accumulate_reduced(a, std::move(da));
  });
}

Tensor scale(Tensor x, double factor) {
  expect_defined(x, "scale");
  Tensor y = x.sole_owner() ? x : Tensor::copy_of(x);
  kernels::scale(y.data(), y.size(), Real(factor));
  return record(std::move(y), [x = x.without_data(), factor](Tensor dy) {
    kernels::scale(dy.data(), dy.size(), Real(factor));
    accumulate_gradient(x, std::move(dy));
  });
}

}  // namespace lra::inline LRA_ENGINE
