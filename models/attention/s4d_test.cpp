/// S4D against the recurrences of its states, one feature at a time, and its initial matrices against HiPPO-LegS.
#include <gtest/gtest.h>

#include <complex>

#include "core/error.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"
#include "models/testing/dense_convolution.h"

namespace lra {
namespace {

using Complex = std::complex<double>;

constexpr long kWidth = 6, kStates = 8;

MixerCase s4d(std::vector<long> lengths, Json settings) {
  settings["states"] = kStates;
  MixerCase c;
  c.model = "s4d", c.settings = std::move(settings), c.lengths = std::move(lengths), c.width = c.qkv = kWidth;
  return c;
}

Numbers input(long tokens) { return rounded(random_numbers(std::size_t(tokens * kWidth), "x")); }

/// The model on one sequence, from the parameters of a run.
struct Recurrence {
  const Named& parameters;
  bool causal, bilinear;

  double at(const char* name, long row, long cols, long column) const {
    return parameters.at(name).at(std::size_t(row * cols + column));
  }

  /// The outputs of feature f for the inputs u: x_t = Ā x_{t−1} + B̄ u_t for the states that come from the left, and
  /// the same from the right for those that see later tokens only.
  Numbers feature(const Numbers& u, long f) const {
    const double step = std::exp(at("log_step", f, 1, 0));
    const std::size_t n = u.size();
    Numbers y(n);
    for (std::size_t t = 0; t < n; ++t) y[t] = at("skip", f, 1, 0) * u[t];
    for (long k = 0; k < kStates / 2; ++k) {
      const Complex a(-std::exp(at("log_decay", f, kStates / 2, k)), at("frequency", f, kStates / 2, k));
      const Complex next = bilinear ? (1.0 + step / 2 * a) / (1.0 - step / 2 * a) : std::exp(step * a);
      const Complex in = bilinear ? step / (1.0 - step / 2 * a) : (std::exp(step * a) - 1.0) / a;
      const auto weight = [&](long row) {
        return Complex(at("weights", row, kStates, k), at("weights", row, kStates, k + kStates / 2));
      };
      Complex left = 0, right = 0;
      for (std::size_t t = 0; t < n; ++t) {
        left = next * left + in * u[t];
        y[t] += 2 * (weight(f) * left).real();
      }
      for (std::size_t t = n; !causal && t-- > 0;) {
        y[t] += 2 * (weight(kWidth + f) * right).real();
        right = next * right + in * u[t];
      }
    }
    return y;
  }

  /// Row-major (n,C) to (n,C): the features, then GELU and the gated linear layer.
  Numbers operator()(const Numbers& x) const {
    const std::size_t c = kWidth;
    Numbers z(x.size());
    for (std::size_t f = 0; f < c; ++f) {
      const Numbers y = feature(column(x, c, f), long(f));
      for (std::size_t t = 0; t < y.size(); ++t) z[t * c + f] = y[t];
    }
    return gated_output(parameters, std::move(z), c);
  }
};

TEST(S4d, IsItsRecurrence) {
  const Worker worker;
  for (const char* init : {"legs", "lin", "inv"})
    for (const bool bilinear : {false, true})
      for (const bool causal : {false, true}) {
        const MixerCase c = s4d(
            {1, 2, 37, 130}, {{"init", init}, {"discretisation", bilinear ? "bilinear" : "zoh"}, {"causal", causal}});
        const Numbers x = input(170);
        const MixerRun exact = f64::run_mixer(c, x, {});
        const Recurrence recurrence{exact.parameters, causal, bilinear};
        const Numbers want = by_sequence(c, x, recurrence);
        EXPECT_LT(relative_error(exact.result, want), 1e-12) << c.settings;
        EXPECT_LT(relative_error(f32::run_mixer(c, x, {}, exact.parameters).result, want), 1e-5) << c.settings;
      }
}

/// |det m| over the product of its rows' norms, by elimination with pivots.
double volume(std::vector<std::vector<Complex>> m) {
  double product = 1;
  for (const auto& row : m) {
    double square = 0;
    for (const Complex z : row) square += std::norm(z);
    product /= std::sqrt(square);
  }
  for (std::size_t k = 0; k < m.size(); ++k) {
    for (std::size_t i = k + 1; i < m.size(); ++i)
      if (std::abs(m[i][k]) > std::abs(m[k][k])) std::swap(m[i], m[k]);
    product *= std::abs(m[k][k]);
    for (std::size_t i = k + 1; i < m.size(); ++i) {
      const Complex factor = m[i][k] / m[k][k];
      for (std::size_t j = k; j < m.size(); ++j) m[i][j] -= factor * m[k][j];
    }
  }
  return product;
}

// Source: Gu et al. arXiv:2206.11893, §4: A of HiPPO-LegS plus P·Pᵀ is normal, and its eigenvalues have real part −½.
TEST(S4d, StartsAtTheEigenvaluesOfLegs) {
  constexpr std::size_t kN = kStates;
  const Worker worker;
  const MixerRun run = f64::run_mixer(s4d({1}, {{"init", "legs"}}), input(1), {});
  std::set<double> distinct;
  for (std::size_t k = 0; k < kN / 2; ++k) {
    const double frequency = run.parameters.at("frequency")[k], decay = std::exp(run.parameters.at("log_decay")[k]);
    distinct.insert(std::round(frequency * 1e3));
    EXPECT_GT(frequency, 0);
    std::vector<std::vector<Complex>> m(kN, std::vector<Complex>(kN));
    for (std::size_t i = 0; i < kN; ++i)
      for (std::size_t j = 0; j < kN; ++j) {
        const double a = i > j ? -std::sqrt(double((2 * i + 1) * (2 * j + 1))) : i == j ? -double(i + 1) : 0;
        m[i][j] = a + std::sqrt((double(i) + 0.5) * (double(j) + 0.5));
        if (i == j) m[i][j] -= Complex(-decay, frequency);
      }
    EXPECT_LT(volume(m), 1e-13) << frequency;
    m[0][0] += 1e-3;
    EXPECT_GT(volume(m), 1e-9) << "the measure must see a thousandth";
  }
  EXPECT_EQ(distinct.size(), kN / 2);
}

TEST(S4d, RefusesSettingsThatDoNotFit) {
  const Worker worker;
  for (const Json& settings : {Json{{"states", 7}}, Json{{"init", "random"}}, Json{{"discretisation", "euler"}},
                               Json{{"dt_min", 0.1}, {"dt_max", 0.01}}}) {
    MixerCase c = s4d({3}, settings);
    if (settings.contains("states")) c.settings["states"] = settings["states"];
    EXPECT_THROW((void)f32::run_mixer(c, input(3), {}), Error) << settings;
  }
}

}  // namespace
}  // namespace lra
