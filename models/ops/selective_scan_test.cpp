/// Selective scans against the recurrence that defines them and the derivative of that, token by token in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/ops/recurrences.h"
#include "models/testing/compare.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr Direction kTowards[] = {Direction::forward, Direction::backward, Direction::both};

struct Arguments {
  Dense u, step, rates, b, c;
};

/// Adds to y, and with dy to the gradients d, one scan of the sequence of rows begin … end − 1.
void add_scan(const Arguments& x, long begin, long end, bool reversed, Dense& y, const Dense* dy, Arguments* d) {
  const long n = end - begin;
  for (long f = 0; f < x.u.cols; ++f)
    for (long m = 0; m < x.b.cols; ++m) {
      Numbers h(std::size_t(n) + 1);  // h[i + 1] after i + 1 tokens
      const auto token = [&](long i) { return reversed ? end - 1 - i : begin + i; };
      const auto decay = [&](long t) { return std::exp(x.step.at(t, f) * x.rates.at(f, m)); };
      for (long i = 0; i < n; ++i) {
        const long t = token(i);
        h[std::size_t(i) + 1] = decay(t) * h[std::size_t(i)] + x.b.at(t, m) * x.step.at(t, f) * x.u.at(t, f);
        y.at(t, f) += x.c.at(t, m) * h[std::size_t(i) + 1];
      }
      double g = 0;  // of h[i + 1]
      for (long i = n - 1; d && i >= 0; --i) {
        const long t = token(i);
        g += x.c.at(t, m) * dy->at(t, f);
        d->c.at(t, m) += dy->at(t, f) * h[std::size_t(i) + 1];
        d->b.at(t, m) += g * x.step.at(t, f) * x.u.at(t, f);
        d->u.at(t, f) += g * x.b.at(t, m) * x.step.at(t, f);
        d->step.at(t, f) += g * (x.b.at(t, m) * x.u.at(t, f) + decay(t) * x.rates.at(f, m) * h[std::size_t(i)]);
        d->rates.at(f, m) += g * decay(t) * x.step.at(t, f) * h[std::size_t(i)];
        g *= decay(t);
      }
    }
}

/// Subtracts what a token adds to its own result, which two scans count twice.
void subtract_own(const Arguments& x, Dense& y, const Dense* dy, Arguments* d) {
  for (long t = 0; t < y.rows; ++t)
    for (long f = 0; f < y.cols; ++f)
      for (long m = 0; m < x.b.cols; ++m) {
        const double b = x.b.at(t, m), c = x.c.at(t, m), step = x.step.at(t, f), u = x.u.at(t, f);
        y.at(t, f) -= c * b * step * u;
        if (!d) continue;
        d->c.at(t, m) -= dy->at(t, f) * b * step * u;
        d->b.at(t, m) -= dy->at(t, f) * c * step * u;
        d->step.at(t, f) -= dy->at(t, f) * c * b * u;
        d->u.at(t, f) -= dy->at(t, f) * c * b * step;
      }
}

Dense scanned(const Arguments& x, const std::vector<long>& offsets, Direction direction, const Dense* dy = nullptr,
              Arguments* d = nullptr) {
  Dense y(x.u.rows, x.u.cols);
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
    for (const bool reversed : {false, true})
      if (direction == Direction::both || reversed == (direction == Direction::backward))
        add_scan(x, offsets[s], offsets[s + 1], reversed, y, dy, d);
  if (direction == Direction::both) subtract_own(x, y, dy, d);
  return y;
}

Dense random_dense(long rows, long cols, const std::string& name) {
  return {rows, cols, rounded(random_numbers(std::size_t(rows * cols), name))};
}

// In double; the derivatives of these cases are among those that EveryOp checks.
TEST(SelectiveScan, EqualsItsRecurrence) {
  struct Case {
    std::string name;
    std::vector<long> offsets;
    long features, states;
  };
  const std::vector<Case> cases = {{"ragged", {0, 5, 6, 15}, 3, 2},
                                   {"1", {0, 1}, 3, 2},
                                   {"290", {0, 290}, 3, 2},
                                   {"33 of 19 features", {0, 33}, 19, 1},
                                   {"4096", {0, 4096}, 2, 3}};
  const char* towards[] = {"forward", "backward", "both"};
  for (const Case& each : cases)
    for (const Direction direction : kTowards) {
      if (each.name == "4096" && direction != Direction::both) continue;
      const long n = each.offsets.back();
      Arguments x{random_dense(n, each.features, "u"), random_dense(n, each.features, "step"),
                  random_dense(each.features, each.states, "rates"), random_dense(n, each.states, "b"),
                  random_dense(n, each.states, "c")};
      const std::vector<Numbers> inputs = {x.u.v, x.step.v, x.rates.v, x.b.v, x.c.v};
      for (double& value : x.step.v) value = std::log1p(std::exp(3 * value));
      for (double& value : x.rates.v) value = -std::exp(value);
      const std::string name = "selective_scan, " + each.name + ", " + towards[int(direction)];
      EXPECT_LT(relative_error(f64::run_op(name, inputs, {}).result, scanned(x, each.offsets, direction).v), 1e-12)
          << name;
    }
}

Tensor tensor_from(const Dense& x) {
  Tensor y = Tensor::empty({x.rows, x.cols});
  std::copy(x.v.begin(), x.v.end(), y.data());
  return y;
}

SequenceLayout packed(const std::vector<long>& offsets) {
  SequenceLayout layout;
  layout.offsets = offsets, layout.sequences.resize(offsets.size() - 1), layout.length = offsets.back();
  return layout;
}

double error_of(const Tensor& x, const Dense& exact) {
  return relative_error(Numbers(x.data(), x.data() + x.size()), exact.v);
}

/// The float engine's result and gradients.
void expect_float(const Arguments& x, const std::vector<long>& offsets, Direction direction, const std::string& what) {
  const Dense dy = random_dense(x.u.rows, x.u.cols, "dy");
  Arguments want{Dense(x.u.rows, x.u.cols), Dense(x.u.rows, x.u.cols), Dense(x.rates.rows, x.rates.cols),
                 Dense(x.b.rows, x.b.cols), Dense(x.b.rows, x.b.cols)};
  const Dense y = scanned(x, offsets, direction, &dy, &want);
  const Training training;
  Tape tape({});
  std::vector<Tensor> gradients(5), inputs;
  for (const Dense* each : {&x.u, &x.step, &x.rates, &x.b, &x.c})
    inputs.push_back(
        record(tensor_from(*each), [&gradients, i = inputs.size()](Tensor dx) { gradients[i] = std::move(dx); }));
  const Tensor result =
      selective_scan(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], packed(offsets), direction);
  accumulate_gradient(result, tensor_from(dy));
  tape.backward();
  EXPECT_LT(error_of(result, y), 1e-5) << what;
  EXPECT_LT(error_of(gradients[0], want.u), 1e-5) << what << ": du";
  EXPECT_LT(error_of(gradients[1], want.step), 1e-5) << what << ": dstep";
  EXPECT_LT(error_of(gradients[2], want.rates), 1e-5) << what << ": drates";
  EXPECT_LT(error_of(gradients[3], want.b), 1e-5) << what << ": db";
  EXPECT_LT(error_of(gradients[4], want.c), 1e-5) << what << ": dc";
}

/// n tokens whose steps are e^(low + (high − low)·uniform), and the rates −1, −2, ….
Arguments with_steps(long n, long features, long states, double low, double high) {
  Arguments x{random_dense(n, features, "u"), random_dense(n, features, "step"), Dense(features, states),
              random_dense(n, states, "b"), random_dense(n, states, "c")};
  for (double& value : x.step.v)
    value = double(float(std::exp(low + (high - low) * std::erfc(-value / std::sqrt(2)) / 2)));
  for (std::size_t i = 0; i < x.rates.v.size(); ++i) x.rates.v[i] = -1 - double(i % std::size_t(states));
  return x;
}

// The steps and rates with which Mamba starts; steps that forget everything, or nothing.
TEST(SelectiveScan, FloatEqualsTheRecurrenceAtAnyStep) {
  for (const Direction direction : kTowards) {
    expect_float(with_steps(16384, 3, 16, std::log(0.001), std::log(0.1)), {0, 16384}, direction, "as Mamba starts");
    expect_float(with_steps(4099, 18, 2, std::log(1), std::log(500)), {0, 4099}, direction, "long steps");
    expect_float(with_steps(4096, 5, 1, std::log(1e-9), std::log(1e-5)), {0, 4096}, direction, "short steps");
    expect_float(with_steps(4096, 2, 3, std::log(1e-6), std::log(1e3)), {0, 1, 34, 4096}, direction, "mixed steps");
  }
}

// With constant steps, inputs and outputs a state space is a convolution with Σ_m c_m·b_m·Δ·e^{Δ·A_m·s}.
TEST(SelectiveScan, OfConstantsIsAConvolution) {
  constexpr long n = 700, features = 2, states = 3;
  Arguments x = with_steps(n, features, states, 0, 0);
  for (long t = 0; t < n; ++t)
    for (long m = 0; m < states; ++m) x.b.at(t, m) = 0.5 * double(m + 1), x.c.at(t, m) = 1 - 0.75 * double(m);
  for (double& step : x.step.v) step = 0.03125;
  Dense y(n, features);
  for (long t = 0; t < n; ++t)
    for (long from = 0; from <= t; ++from)
      for (long f = 0; f < features; ++f)
        for (long m = 0; m < states; ++m)
          y.at(t, f) += x.c.at(0, m) * x.b.at(0, m) * 0.03125 *
                        std::exp(0.03125 * x.rates.at(f, m) * double(t - from)) * x.u.at(from, f);
  const Tensor result = selective_scan(tensor_from(x.u), tensor_from(x.step), tensor_from(x.rates), tensor_from(x.b),
                                       tensor_from(x.c), packed({0, n}));
  EXPECT_LT(error_of(result, y), 1e-6);
}

TEST(SelectiveScan, ASequenceHasTheSameBitsInAnyCompany) {
  const Arguments x = with_steps(100, 19, 3, std::log(0.001), std::log(0.5));
  const auto part = [](const Dense& all, long begin, long end) {
    return tensor_from(
        {end - begin, all.cols, Numbers(all.v.begin() + begin * all.cols, all.v.begin() + end * all.cols)});
  };
  const auto run = [&](long begin, long end, const std::vector<long>& offsets, Direction direction) {
    return selective_scan(part(x.u, begin, end), part(x.step, begin, end), tensor_from(x.rates), part(x.b, begin, end),
                          part(x.c, begin, end), packed(offsets), direction);
  };
  for (const Direction direction : kTowards) {
    const Tensor together = run(0, 100, {0, 5, 6, 100}, direction);
    for (const auto& [begin, end] : {std::pair{0L, 5L}, {5, 6}, {6, 100}}) {
      const Tensor alone = run(begin, end, {0, end - begin}, direction);
      for (long i = 0; i < alone.size(); ++i) EXPECT_EQ(alone.data()[i], together.data()[begin * 19 + i]);
    }
  }
}

}  // namespace
}  // namespace lra
