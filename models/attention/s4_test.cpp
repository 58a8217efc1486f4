/// S4 against direct convolutions with the responses of dense state matrices: of HiPPO-LegS itself, which the model
/// starts as, and of matrices of other parameters.
#include <gtest/gtest.h>

#include <algorithm>
#include <complex>

#include "core/error.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"
#include "models/testing/dense_convolution.h"

namespace lra {
namespace {

using Complex = std::complex<double>;
using Vector = std::vector<Complex>;
using Matrix = std::vector<Vector>;

constexpr std::size_t kWidth = 4;

MixerCase s4(std::vector<long> lengths, std::size_t states, bool causal) {
  MixerCase c;
  c.model = "s4", c.settings = {{"states", states}, {"causal", causal}}, c.lengths = std::move(lengths);
  c.width = c.qkv = long(kWidth);
  return c;
}

Numbers input(long tokens) { return rounded(random_numbers(std::size_t(tokens) * kWidth, "x")); }

/// The solution of m·x = y, by elimination with pivots.
Vector solve(Matrix m, Vector y) {
  const std::size_t n = m.size();
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::abs(m[i][k]) > std::abs(m[k][k])) std::swap(m[i], m[k]), std::swap(y[i], y[k]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const Complex factor = m[i][k] / m[k][k];
      for (std::size_t j = k; j < n; ++j) m[i][j] -= factor * m[k][j];
      y[i] -= factor * y[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) y[k] -= m[k][j] * y[j];
    y[k] /= m[k][k];
  }
  return y;
}

/// The state space x' = A·x + B·u, y = C·x.
struct StateSpace {
  Matrix a;
  Vector b, c;

  /// Its taps at times `step` apart, (x_t − x_{t−1})/Δ = A·(x_t + x_{t−1})/2 + B·u_t.
  Numbers taps(double step, long length) const {
    const std::size_t n = a.size();
    Matrix before = a, after = a;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        before[i][j] = (i == j ? 1.0 : 0.0) - step / 2 * a[i][j];
        after[i][j] = (i == j ? 1.0 : 0.0) + step / 2 * a[i][j];
      }
    Matrix columns;  // of (I − Δ/2·A)⁻¹(I + Δ/2·A)
    for (std::size_t j = 0; j < n; ++j) {
      Vector column(n);
      for (std::size_t i = 0; i < n; ++i) column[i] = after[i][j];
      columns.push_back(solve(before, column));
    }
    Vector x = solve(before, b);
    for (Complex& value : x) value *= step;
    Numbers y;
    for (long t = 0; t < length; ++t) {
      Complex sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += c[i] * x[i];
      y.push_back(sum.real());
      Vector next(n);
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t i = 0; i < n; ++i) next[i] += columns[j][i] * x[j];
      x = std::move(next);
    }
    return y;
  }
};

/// HiPPO-LegS. Gu, Goel, Ré. arXiv:2111.00396, eq. 2. `c`, of the eigenvectors of its normal part, becomes an output of
/// its own states.
StateSpace legs(const Numbers& frequency, const Vector& c) {
  const std::size_t n = 2 * frequency.size();
  StateSpace s{Matrix(n, Vector(n)), Vector(n), Vector(n)};
  Matrix normal = s.a;
  for (std::size_t i = 0; i < n; ++i) {
    s.b[i] = std::sqrt(2 * double(i) + 1);
    for (std::size_t k = 0; k < n; ++k) {
      s.a[i][k] = i > k ? -std::sqrt((2 * double(i) + 1) * (2 * double(k) + 1)) : i == k ? -double(i + 1) : 0;
      normal[i][k] = s.a[i][k] + std::sqrt((double(i) + 0.5) * (double(k) + 0.5));
    }
  }
  for (std::size_t k = 0; k < frequency.size(); ++k) {
    Matrix shifted = normal;  // inverse iteration
    for (std::size_t i = 0; i < n; ++i) shifted[i][i] -= Complex(-0.5 + 1e-6, frequency[k]);
    Vector v(n, 1);
    Complex along = 0;  // pᵀv, which is positive in the model's phase
    for (int pass = 0; pass < 4; ++pass) {
      v = solve(shifted, std::move(v));
      double square = 0;
      for (const Complex z : v) square += std::norm(z);
      for (Complex& z : v) z /= std::sqrt(square);
    }
    for (std::size_t i = 0; i < n; ++i) along += std::sqrt(double(i) + 0.5) * v[i];
    for (std::size_t i = 0; i < n; ++i) s.c[i] += 2 * (c[k] * std::conj(v[i] * std::abs(along) / along)).real();
  }
  return s;
}

/// Row `row` of a parameter with as many real as imaginary parts.
Vector complex_row(const Named& parameters, const char* name, std::size_t m, std::size_t row) {
  const Numbers& x = parameters.at(name);
  Vector values;
  for (std::size_t k = 0; k < m; ++k) values.emplace_back(x[row * 2 * m + k], x[row * 2 * m + m + k]);
  return values;
}

/// Both states of each pair of feature f, with the output weights of `row`.
StateSpace of_parameters(const Named& parameters, std::size_t m, std::size_t f, std::size_t row) {
  const auto both = [m](Vector half) {
    for (std::size_t k = 0; k < m; ++k) half.push_back(std::conj(half[k]));
    return half;
  };
  Vector lambda;
  for (std::size_t k = 0; k < m; ++k)
    lambda.emplace_back(-std::exp(parameters.at("log_decay")[f * m + k]), parameters.at("frequency")[f * m + k]);
  lambda = both(lambda);
  const Vector p = both(complex_row(parameters, "low_rank", m, f));
  StateSpace s{Matrix(2 * m, Vector(2 * m)), both(complex_row(parameters, "input", m, f)),
               both(complex_row(parameters, "weights", m, row))};
  for (std::size_t i = 0; i < 2 * m; ++i)
    for (std::size_t j = 0; j < 2 * m; ++j) s.a[i][j] = (i == j ? lambda[i] : 0.0) - p[i] * std::conj(p[j]);
  return s;
}

/// Compares the model with a state space for each feature and each row of output weights.
void expect_responses(const MixerCase& c, const Named& given,
                      const std::function<StateSpace(const Named&, std::size_t f, std::size_t row)>& space) {
  const bool causal = c.settings.at("causal");
  const long longest = *std::max_element(c.lengths.begin(), c.lengths.end());
  long tokens = 0;
  for (const long n : c.lengths) tokens += n;
  const Numbers x = input(tokens);
  const MixerRun exact = f64::run_mixer(c, x, {}, given);
  std::vector<Taps> taps(kWidth);
  for (std::size_t f = 0; f < kWidth; ++f) {
    const double step = std::exp(exact.parameters.at("log_step")[f]);
    taps[f].after = space(exact.parameters, f, f).taps(step, longest);
    if (!causal) taps[f].before = space(exact.parameters, f, kWidth + f).taps(step, longest);
  }
  const Numbers want =
      by_sequence(c, x, [&](const Numbers& of) { return gated_convolution(exact.parameters, taps, of); });
  EXPECT_LT(relative_error(exact.result, want), 1e-10) << c.settings;
  EXPECT_LT(relative_error(f32::run_mixer(c, x, {}, exact.parameters).result, want), 1e-5) << c.settings;
}

TEST(S4, StartsAsHippoLegs) {
  const Worker worker;
  for (const std::size_t states : {2, 8, 64})
    for (const bool causal : {false, true})
      expect_responses(s4({1, 2, 37, 130}, states, causal), {}, [&](const Named& p, std::size_t, std::size_t row) {
        const Numbers& all = p.at("frequency");
        return legs(Numbers(all.begin(), all.begin() + long(states / 2)), complex_row(p, "weights", states / 2, row));
      });
}

TEST(S4, HasTheResponsesOfAnyStateSpace) {
  const Worker worker;
  constexpr std::size_t kPairs = 3;
  const auto draw = [](const char* name, std::size_t n) { return rounded(random_numbers(kWidth * n, name)); };
  const Named given = {{"log_decay", draw("decay", kPairs)},
                       {"frequency", draw("frequency", kPairs)},
                       {"low_rank", draw("low rank", 2 * kPairs)},
                       {"input", draw("input", 2 * kPairs)},
                       {"log_step", draw("step", 1)}};
  for (const bool causal : {false, true})
    expect_responses(s4({1, 2, 37, 130}, 2 * kPairs, causal), given,
                     [](const Named& p, std::size_t f, std::size_t row) { return of_parameters(p, kPairs, f, row); });
}

// Of 64 states, against powers of the dense 64×64 matrix.
TEST(S4, StartsAsHippoLegsAlongASequence) {
  const Worker worker;
  expect_responses(s4({2053}, 64, true), {}, [&](const Named& p, std::size_t, std::size_t row) {
    const Numbers& all = p.at("frequency");
    return legs(Numbers(all.begin(), all.begin() + 32), complex_row(p, "weights", 32, row));
  });
}

TEST(S4, RefusesSettingsThatDoNotFit) {
  const Worker worker;
  for (const Json& settings : {Json{{"states", 7}}, Json{{"dt_min", 0.1}, {"dt_max", 0.01}}}) {
    MixerCase c = s4({3}, 8, false);
    c.settings.update(settings);
    EXPECT_THROW((void)f32::run_mixer(c, input(3), {}), Error) << settings;
  }
}

}  // namespace
}  // namespace lra
