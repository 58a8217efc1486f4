#include <algorithm>
#include <cmath>

#include "harness/core/error.h"
#include "models/ops/doors.h"
#include "models/ops/ops.h"
#include "models/tensor/permute.h"

namespace lra::inline LRA_ENGINE {
namespace {

void expect_same(const Tensor& a, const Tensor& b, const char* who) {
  expect_defined(a, who);
  expect_defined(b, who);
  if (a.shape() != b.shape()) fail("[{}] {} and {} differ in shape", who, a.shape().text(), b.shape().text());
}

/// A place for a result of x's shape: x's own memory if nobody else can see it.
Tensor place_for_result(const Tensor& x, bool sole) { return sole ? x : Tensor::empty_like(x); }

Real logistic(Real x) {
  const Real small = std::exp(-std::abs(x));
  return (x < 0 ? small : 1) / (1 + small);
}

}  // namespace

Tensor gelu(Tensor x) {
  expect_defined(x, "gelu");
  Tensor y = place_for_result(x, x.sole_owner() && !recording());
  kernels::gelu(x.data(), y.data(), x.size());
  return record(std::move(y), [x = std::move(x)](Tensor dy) {
    kernels::gelu_backward(x.data(), dy.data(), dy.size());
    give(x, std::move(dy));
  });
}

Tensor relu(Tensor x) {
  expect_defined(x, "relu");
  Tensor y = place_for_result(x, x.sole_owner());
  kernels::relu(x.data(), y.data(), x.size());
  return record(y, [x = x.shell(), y](Tensor dy) {
    kernels::relu_backward(y.data(), dy.data(), dy.size());  // y > 0 where x > 0
    give(x, std::move(dy));
  });
}

Tensor elu_plus_one(Tensor x) {
  expect_defined(x, "elu_plus_one");
  Tensor y = place_for_result(x, x.sole_owner());
  kernels::elu_plus_one(x.data(), y.data(), x.size());
  return record(y, [x = x.shell(), y](Tensor dy) {
    kernels::elu_plus_one_backward(y.data(), dy.data(), dy.size());
    give(x, std::move(dy));
  });
}

Tensor sigmoid(Tensor x) {
  expect_defined(x, "sigmoid");
  Tensor y = place_for_result(x, x.sole_owner());
  for (long i = 0; i < x.size(); ++i) y.data()[i] = logistic(x.data()[i]);
  return record(y, [x = x.shell(), y](Tensor dy) {
    for (long i = 0; i < dy.size(); ++i) dy.data()[i] *= y.data()[i] * (1 - y.data()[i]);
    give(x, std::move(dy));
  });
}

Tensor log_sigmoid(Tensor x) {
  expect_defined(x, "log_sigmoid");
  Tensor y = Tensor::empty_like(x);
  for (long i = 0; i < x.size(); ++i)
    y.data()[i] = std::min<Real>(x.data()[i], 0) - std::log1p(std::exp(-std::abs(x.data()[i])));
  return record(std::move(y), [x = std::move(x)](Tensor dy) {
    for (long i = 0; i < dy.size(); ++i) dy.data()[i] *= logistic(-x.data()[i]);
    give(x, std::move(dy));
  });
}

Tensor sine_cosine(const Tensor& x, long head_count) {
  const long m = head_width(x, head_count, "sine_cosine"),
             n = x.dim(0) * head_count;  // rows: a token's features of one head
  Tensor y = Tensor::empty({x.dim(0), 2 * x.dim(1)});
  for (long r = 0; r < n; ++r)
    for (long i = 0; i < m; ++i) {
      y.data()[2 * r * m + i] = std::sin(x.data()[r * m + i]);
      y.data()[2 * r * m + m + i] = std::cos(x.data()[r * m + i]);
    }
  return record(y, [x = x.shell(), y, n, m](Tensor dy) {
    Tensor dx = Tensor::empty(x.shape());
    for (long r = 0; r < n; ++r) {
      const Real *values = y.data() + 2 * r * m, *gradients = dy.data() + 2 * r * m;
      for (long i = 0; i < m; ++i) dx.data()[r * m + i] = gradients[i] * values[m + i] - gradients[m + i] * values[i];
    }
    give(x, std::move(dx));
  });
}

Tensor add(Tensor a, Tensor b) {
  expect_same(a, b, "add");
  if (b.sole_owner() && !a.sole_owner()) std::swap(a, b);
  Tensor y = place_for_result(a, a.sole_owner());
  if (y.data() != a.data()) kernels::copy(a.data(), y.data(), a.size());
  kernels::add(in_order_of(b, a).data(), y.data(), y.size());
  return record(std::move(y), [a = a.shell(), b = b.shell()](Tensor dy) {
    if (wants_gradient(a)) give(a, wants_gradient(b) ? Tensor::copy_of(dy) : dy);
    give(b, std::move(dy));
  });
}

Tensor subtract(Tensor a, const Tensor& b) {
  expect_same(a, b, "subtract");
  Tensor y = Tensor::copy_of(a);
  kernels::add_scaled(in_order_of(b, a).data(), -1, y.data(), y.size());
  return record(std::move(y), [a = a.shell(), b = b.shell()](Tensor dy) {
    if (wants_gradient(a)) give(a, Tensor::copy_of(dy));
    kernels::scale(dy.data(), dy.size(), -1);
    give(b, std::move(dy));
  });
}

Tensor multiply(Tensor a, Tensor b) {
  expect_same(a, b, "multiply");
  Tensor y = Tensor::copy_of(a);
  kernels::multiply(in_order_of(b, a).data(), y.data(), y.size());
  return record(std::move(y), [a = std::move(a), b = std::move(b)](Tensor dy) {
    if (wants_gradient(a)) {
      Tensor da = Tensor::copy_of(dy);
      kernels::multiply(in_order_of(b, da).data(), da.data(), da.size());
      give(a, std::move(da));
    }
    kernels::multiply(in_order_of(a, dy).data(), dy.data(), dy.size());
    give(b, std::move(dy));
  });
}

Tensor scale(Tensor x, double factor) {
  expect_defined(x, "scale");
  Tensor y = place_for_result(x, x.sole_owner());
  if (y.data() != x.data()) kernels::copy(x.data(), y.data(), x.size());
  kernels::scale(y.data(), y.size(), Real(factor));
  return record(std::move(y), [x = x.shell(), factor](Tensor dy) {
    kernels::scale(dy.data(), dy.size(), Real(factor));
    give(x, std::move(dy));
  });
}

Tensor dropout(Tensor x, const Dropout& site, const Pack& pack) {
  if (!recording() || !site.active()) return x;
  expect_packed(x, pack, "dropout");
  const auto drop = [site, pack](const Tensor& from, Tensor& to) {
    const long c = from.dim(1);
    for (long s = 0; s < pack.count(); ++s)
      kernels::dropout(site.stream(pack, s), 0, from.data() + pack.begin(s) * c, to.data() + pack.begin(s) * c,
                       pack.size(s) * c);
  };
  Tensor y = place_for_result(x, x.sole_owner());
  drop(x, y);
  return record(std::move(y), [x = x.shell(), drop](Tensor dy) {
    drop(dy, dy);
    give(x, std::move(dy));
  });
}

}  // namespace lra::inline LRA_ENGINE
