#include <algorithm>
#include <cmath>

#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// A tensor for a result of x's shape: x's own memory if no other tensor shares it.
Tensor place_for_result(const Tensor& x, bool sole) { return sole ? x : Tensor::empty_like(x); }

Real logistic(Real x) {
  const Real small = std::exp(-std::abs(x));
  return (x < 0 ? small : 1) / (1 + small);
}

/// Applies f to each element; the derivative is computed from the result.
template <typename F, typename Derivative>
Tensor map_keeping_result(Tensor x, F f, Derivative derivative, const char* op) {
  expect_defined(x, op);
  Tensor y = place_for_result(x, x.sole_owner());
  for (long i = 0; i < x.size(); ++i) y.data()[i] = f(x.data()[i]);
  return record(
      y,
      [x = x.without_data(), y, derivative](Tensor dy) {
        for (long i = 0; i < dy.size(); ++i) dy.data()[i] *= derivative(y.data()[i]);
        accumulate_gradient(x, std::move(dy));
      },
      op);
}

/// Applies f to each element; the derivative is computed from the element.
template <typename F, typename Derivative>
Tensor map_keeping_input(Tensor x, F f, Derivative derivative, const char* op) {
  expect_defined(x, op);
  Tensor y = place_for_result(x, x.sole_owner() && !recording());
  for (long i = 0; i < x.size(); ++i) y.data()[i] = f(x.data()[i]);
  return record(
      std::move(y),
      [x = std::move(x), derivative](Tensor dy) {
        for (long i = 0; i < dy.size(); ++i) dy.data()[i] *= derivative(x.data()[i]);
        accumulate_gradient(x, std::move(dy));
      },
      op);
}

}  // namespace

Tensor gelu(Tensor x) {
  expect_defined(x, "gelu");
  Tensor y = place_for_result(x, x.sole_owner() && !recording());
  kernels::gelu(x.data(), y.data(), x.size());
  return record(std::move(y), [x = std::move(x)](Tensor dy) {
    kernels::gelu_backward(x.data(), dy.data(), dy.size());
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor relu(Tensor x) {
  expect_defined(x, "relu");
  Tensor y = place_for_result(x, x.sole_owner());
  kernels::relu(x.data(), y.data(), x.size());
  return record(y, [x = x.without_data(), y](Tensor dy) {
    kernels::relu_backward(y.data(), dy.data(), dy.size());  // y > 0 where x > 0
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor elu_plus_one(Tensor x) {
  expect_defined(x, "elu_plus_one");
  Tensor y = place_for_result(x, x.sole_owner());
  kernels::elu_plus_one(x.data(), y.data(), x.size());
  return record(y, [x = x.without_data(), y](Tensor dy) {
    kernels::elu_plus_one_backward(y.data(), dy.data(), dy.size());
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor sigmoid(Tensor x) {
  return map_keeping_result(
      std::move(x), logistic, [](Real y) { return y * (1 - y); }, "sigmoid");
}

Tensor log_sigmoid(Tensor x) {
  return map_keeping_input(
      std::move(x), [](Real v) { return std::min<Real>(v, 0) - std::log1p(std::exp(-std::abs(v))); },
      [](Real v) { return logistic(-v); }, "log_sigmoid");
}

Tensor softplus(Tensor x) {
  return map_keeping_input(
      std::move(x), [](Real v) { return std::max<Real>(v, 0) + std::log1p(std::exp(-std::abs(v))); }, logistic,
      "softplus");
}

Tensor silu(Tensor x) {
  return map_keeping_input(
      std::move(x), [](Real v) { return v * logistic(v); }, [](Real v) { return logistic(v) * (1 + v * logistic(-v)); },
      "silu");
}

Tensor tanh(Tensor x) {
  return map_keeping_result(
      std::move(x), [](Real v) { return std::tanh(v); }, [](Real y) { return (1 - y) * (1 + y); }, "tanh");
}

Tensor sin(Tensor x) {
  return map_keeping_input(
      std::move(x), [](Real v) { return std::sin(v); }, [](Real v) { return std::cos(v); }, "sin");
}

Tensor exp(Tensor x) {
  return map_keeping_result(
      std::move(x), [](Real v) { return std::exp(v); }, [](Real y) { return y; }, "exp");
}

Tensor log(Tensor x) {
  return map_keeping_input(
      std::move(x), [](Real v) { return std::log(v); }, [](Real v) { return 1 / v; }, "log");
}

Tensor sqrt(Tensor x) {
  return map_keeping_result(
      std::move(x), [](Real v) { return std::sqrt(v); }, [](Real y) { return Real(0.5) / y; }, "sqrt");
}

Tensor square(Tensor x) {
  return map_keeping_input(
      std::move(x), [](Real v) { return v * v; }, [](Real v) { return 2 * v; }, "square");
}

Tensor reciprocal(Tensor x) {
  return map_keeping_result(
      std::move(x), [](Real v) { return 1 / v; }, [](Real y) { return -y * y; }, "reciprocal");
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
  return record(y, [x = x.without_data(), y, n, m](Tensor dy) {
    Tensor dx = Tensor::empty(x.shape());
    for (long r = 0; r < n; ++r) {
      const Real *values = y.data() + 2 * r * m, *gradients = dy.data() + 2 * r * m;
      for (long i = 0; i < m; ++i) dx.data()[r * m + i] = gradients[i] * values[m + i] - gradients[m + i] * values[i];
    }
    accumulate_gradient(x, std::move(dx));
  });
}

Tensor dropout(Tensor x, const Dropout& site, const SequenceLayout& layout) {
  if (!training() || !site.active()) return x;
  expect_packed(x, layout, "dropout");
  const auto drop = [site, layout](const Tensor& from, Tensor& to) {
    const long c = from.dim(1);
    for (long s = 0; s < layout.count(); ++s)
      kernels::dropout(site.stream(layout, s), 0, from.data() + layout.begin(s) * c, to.data() + layout.begin(s) * c,
                       layout.size(s) * c);
  };
  Tensor y = place_for_result(x, x.sole_owner());
  drop(x, y);
  return record(std::move(y), [x = x.without_data(), drop](Tensor dy) {
    drop(dy, dy);
    accumulate_gradient(x, std::move(dy));
  });
}

}  // namespace lra::inline LRA_ENGINE
