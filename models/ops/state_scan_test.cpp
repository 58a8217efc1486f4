/// Scans of state spaces against their recurrence, token by token in std::complex<double>.
#include <gtest/gtest.h>

#include <complex>
#include <string>
#include <vector>

#include "core/error.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"
#include "models/testing/bridge.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

using Complex = std::complex<double>;

constexpr Direction kEveryDirection[] = {Direction::forward, Direction::backward, Direction::both};
constexpr const char* kTowards[] = {"forward", "backward", "both"};
constexpr Discretisation kMethods[] = {Discretisation::zoh, Discretisation::bilinear};
constexpr const char* kMethodNames[] = {"zoh", "bilinear"};

struct Discrete {
  Complex power, factor;  // x_t = power·x_{t−1} + factor·u_t
};

/// Of x' = rate·x + u at the given step, for inputs that are constant in between, or by the trapezoidal rule.
Discrete discrete(Complex rate, double step, Discretisation method) {
  const Complex a = rate * step;
  if (method == Discretisation::bilinear) return {(1.0 + a / 2.0) / (1.0 - a / 2.0), step / (1.0 - a / 2.0)};
  return {std::exp(a), (std::exp(a) - 1.0) / rate};
}

/// States of a matrix (1,2P) and steps (1,P).
std::vector<Discrete> all_states(const Numbers& matrix, const Numbers& log_steps, Discretisation method) {
  std::vector<Discrete> all;
  for (std::size_t k = 0, p = log_steps.size(); k < p; ++k)
    all.push_back(discrete({matrix[k], matrix[k + p]}, std::exp(log_steps[k]), method));
  return all;
}

Numbers states_by_recurrence(const std::vector<Discrete>& states, const Numbers& b, const std::vector<long>& offsets,
                             Direction direction) {
  const std::size_t p = states.size();
  Numbers y(b.size());
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
    for (std::size_t k = 0; k < p; ++k) {
      const auto pass = [&](long first, long step, bool counts_own) {
        Complex x = 0;
        for (long t = first; t >= offsets[s] && t < offsets[s + 1]; t += step) {
          const std::size_t at = std::size_t(t) * 2 * p + k;
          const Complex in(b[at], b[at + p]), kept = states[k].power * x;
          x = kept + in;
          y[at] += (counts_own ? x : kept).real();
          y[at + p] += (counts_own ? x : kept).imag();
        }
      };
      if (direction != Direction::backward) pass(offsets[s], 1, true);
      if (direction != Direction::forward) pass(offsets[s + 1] - 1, -1, direction == Direction::backward);
    }
  return y;
}

/// The matrix that the op case makes of its input (1,6).
Numbers case_matrix(Numbers x) {
  for (std::size_t k = 0; k < 3; ++k) x[k] = -1 / (1 + std::exp(-x[k]));
  return x;
}

TEST(StateScan, EqualsItsRecurrence) {
  const std::vector<std::pair<std::string, std::vector<long>>> packings = {
      {"ragged", {0, 5, 6, 15}}, {"1", {0, 1}}, {"290", {0, 290}}};
  for (const auto& [tokens, offsets] : packings)
    for (const Discretisation method : kMethods)
      for (const Direction direction : kEveryDirection) {
        const Numbers x = random_numbers(6, "matrix"), log_steps = random_numbers(3, "steps");
        const Numbers b = random_numbers(std::size_t(offsets.back()) * 6, "b");
        const std::string name =
            "state_scan, " + tokens + ", " + kMethodNames[int(method)] + ", " + kTowards[int(direction)];
        EXPECT_LT(
            relative_error(f64::run_op(name, {x, log_steps, b}, {}).result,
                           states_by_recurrence(all_states(case_matrix(x), log_steps, method), b, offsets, direction)),
            1e-13)
            << name;
      }
}

TEST(StateScan, DiscretisesInputs) {
  for (const Discretisation method : kMethods) {
    const Numbers x = random_numbers(6, "matrix"), log_steps = random_numbers(3, "steps"), w = random_numbers(30, "w");
    const std::vector<Discrete> states = all_states(case_matrix(x), log_steps, method);
    Numbers want(30);
    for (std::size_t k = 0; k < 3; ++k)
      for (std::size_t i = 0; i < 5; ++i) {
        const Complex z = states[k].factor * Complex(w[k * 5 + i], w[(k + 3) * 5 + i]);
        want[k * 5 + i] = z.real(), want[(k + 3) * 5 + i] = z.imag();
      }
    const std::string name = std::string("state_inputs, ") + kMethodNames[int(method)];
    EXPECT_LT(relative_error(f64::run_op(name, {x, log_steps, w}, {}).result, want), 1e-13) << name;
  }
}

Tensor row_tensor(const Numbers& x, long rows) {
  Tensor y = Tensor::empty({rows, long(x.size()) / rows});
  std::copy(x.begin(), x.end(), y.data());
  return y;
}

SequenceLayout packed(const std::vector<long>& offsets) {
  SequenceLayout layout;
  layout.offsets = offsets, layout.sequences.resize(offsets.size() - 1), layout.length = offsets.back();
  return layout;
}

// States that never forget and turn fast, states that forget slowly, and one that forgets at once, in float.
const Numbers kMatrix = rounded({0, -1e-5, -1e-3, -0.5, 0, -60, 1, 2.9, 0.1, 31.4, 3.1, 5});
const Numbers kLogSteps = rounded({0, -0.1, 0.3, -3, -6, 0});

TEST(StateScan, FloatEqualsTheRecurrenceHoweverLong) {
  for (const long n : {1L, 31L, 33L, 4097L, 16384L})
    for (const Discretisation method : kMethods)
      for (const Direction direction : kEveryDirection) {
        const Numbers b = rounded(random_numbers(std::size_t(n) * kMatrix.size(), "b"));
        const Tensor y = state_scan(row_tensor(kMatrix, 1), row_tensor(kLogSteps, 1), row_tensor(b, n), method,
                                    packed({0, n}), direction);
        const Numbers want = states_by_recurrence(all_states(kMatrix, kLogSteps, method), b, {0, n}, direction);
        EXPECT_LT(relative_error(Numbers(y.data(), y.data() + y.size()), want), 1e-5)
            << n << ", " << kMethodNames[int(method)] << ", " << kTowards[int(direction)];
        // The last token of the fastest state that never forgets.
        const std::size_t last = std::size_t(direction == Direction::backward ? 0 : n - 1) * kMatrix.size();
        const std::size_t p = kLogSteps.size();
        EXPECT_LT(std::abs(Complex(y.data()[last], y.data()[last + p]) - Complex(want[last], want[last + p])),
                  1e-5 * std::sqrt(double(n)));
      }
}

TEST(StateScan, ASequenceHasTheSameBitsInAnyCompany) {
  const std::vector<long> offsets = {0, 70, 71, 139};
  const Numbers b = rounded(random_numbers(139 * kMatrix.size(), "b"));
  const auto run = [&](long begin, long end, const std::vector<long>& at, Direction direction) {
    const Numbers part(b.begin() + begin * long(kMatrix.size()), b.begin() + end * long(kMatrix.size()));
    return state_scan(row_tensor(kMatrix, 1), row_tensor(kLogSteps, 1), row_tensor(part, end - begin),
                      Discretisation::zoh, packed(at), direction);
  };
  for (const Direction direction : kEveryDirection) {
    const Tensor together = run(0, 139, offsets, direction);
    for (std::size_t s = 0; s < 3; ++s) {
      const Tensor alone = run(offsets[s], offsets[s + 1], {0, offsets[s + 1] - offsets[s]}, direction);
      for (long i = 0; i < alone.size(); ++i)
        EXPECT_EQ(alone.data()[i], together.data()[offsets[s] * long(kMatrix.size()) + i]);
    }
  }
}

TEST(StateScan, RefusesWhatHasNoRecurrence) {
  const Tensor matrix = row_tensor(kMatrix, 1), steps = row_tensor(kLogSteps, 1), b = Tensor::ones({3, 12});
  EXPECT_THROW((void)state_scan(matrix, steps, b, Discretisation::softmax, packed({0, 3})), Error);
  EXPECT_THROW((void)state_scan(matrix, steps, b, Discretisation::zoh, packed({0, 4})), Error);
  EXPECT_THROW((void)state_scan(matrix, matrix, b, Discretisation::zoh, packed({0, 3})), Error);
  EXPECT_THROW((void)state_scan(matrix, steps, Tensor::ones({3, 6}), Discretisation::zoh, packed({0, 3})), Error);
  EXPECT_THROW((void)state_inputs(matrix, steps, Tensor::ones({6, 4}), Discretisation::zoh), Error);
}

}  // namespace
}  // namespace lra
