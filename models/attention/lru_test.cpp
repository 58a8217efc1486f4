/// LRU against its recurrence in std::complex<double>, and its initial values against those of the paper.
#include <gtest/gtest.h>

#include <complex>
#include <numbers>

#include "core/error.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"
#include "models/testing/dense_convolution.h"
#include "models/testing/dense_states.h"

namespace lra {
namespace {

using Complex = std::complex<double>;

constexpr std::size_t kWidth = 6;

MixerCase lru(std::vector<long> lengths, Json settings, long states = 5) {
  settings["states"] = states;
  MixerCase c;
  c.model = "lru", c.settings = std::move(settings), c.lengths = std::move(lengths);
  c.width = c.qkv = long(kWidth);
  return c;
}

Numbers input(long tokens) { return rounded(random_numbers(std::size_t(tokens) * kWidth, "x")); }

Complex power(const Named& parameters, std::size_t k) {
  return std::exp(Complex(-std::exp(parameters.at("nu")[k]), std::exp(parameters.at("theta")[k])));
}

/// Orvieto et al., §3: λ = exp(−e^ν + i·e^θ), inputs times γ, Re(C·x) of each direction, GELU and GLU.
Numbers model(const Named& parameters, const Numbers& x, bool causal) {
  DenseStates states;
  for (std::size_t k = 0; k < parameters.at("nu").size(); ++k) {
    states.powers.push_back(power(parameters, k));
    states.factors.push_back(std::exp(parameters.at("log_gamma")[k]));
  }
  return gated_output(parameters, states.outputs(parameters, x, kWidth, 1, causal), kWidth);
}

TEST(Lru, IsItsRecurrence) {
  const Worker worker;
  for (const bool causal : {false, true}) {
    const MixerCase c = lru({1, 2, 37, 130}, {{"causal", causal}});
    const Numbers x = input(170);
    const MixerRun exact = f64::run_mixer(c, x, {});
    const Numbers want = by_sequence(c, x, [&](const Numbers& part) { return model(exact.parameters, part, causal); });
    EXPECT_LT(relative_error(exact.result, want), 1e-12) << causal;
    EXPECT_LT(relative_error(f32::run_mixer(c, x, {}, exact.parameters).result, want), 1e-5) << causal;
  }
}

TEST(Lru, FloatIsItsRecurrenceAtTheLengthOfPathX) {
  const Worker worker;
  const MixerCase c = lru({16384}, {{"r_min", 0.9999}});
  const Numbers x = input(16384);
  const MixerRun run = f32::run_mixer(c, x, {});
  EXPECT_LT(relative_error(run.result, model(run.parameters, x, false)), 1e-5);
}

// Source: Orvieto et al., lemma 3.2 and §3.4: |λ|² uniform between the squared radii, phases uniform up to the largest,
// γ = √(1 − |λ|²). Means and variances of uniform numbers, from 4,096 of them.
TEST(Lru, StartsOnARing) {
  const Worker worker;
  constexpr long kMany = 4096;
  const Named parameters =
      f64::run_mixer(lru({1}, {{"r_min", 0.4}, {"r_max", 0.9}, {"max_phase", 0.3}}, kMany), input(1), {}).parameters;
  double square = 0, square_of_square = 0, phase = 0;
  for (std::size_t k = 0; k < std::size_t(kMany); ++k) {
    const Complex lambda = power(parameters, k);
    const double norm = std::norm(lambda), radius = std::abs(lambda), angle = std::arg(lambda);
    EXPECT_GE(radius, 0.4 - 1e-12);
    EXPECT_LE(radius, 0.9 + 1e-12);
    EXPECT_GE(angle, 0);
    EXPECT_LE(angle, 0.3 + 1e-12);
    EXPECT_NEAR(std::exp(parameters.at("log_gamma")[k]), std::sqrt(1 - norm), 1e-12);
    square += norm / double(kMany), square_of_square += norm * norm / double(kMany), phase += angle / double(kMany);
  }
  constexpr double kLow = 0.16, kHigh = 0.81;
  EXPECT_NEAR(square, (kLow + kHigh) / 2, 0.01);
  EXPECT_NEAR(square_of_square - square * square, (kHigh - kLow) * (kHigh - kLow) / 12, 0.002);
  EXPECT_NEAR(phase, 0.15, 0.005);
  const auto mean_square = [&](const char* name) {
    return dot(parameters.at(name), parameters.at(name)) / double(parameters.at(name).size());
  };
  EXPECT_NEAR(mean_square("in") * 2 * kWidth, 1, 0.03);
  EXPECT_NEAR(mean_square("out") * kMany, 1, 0.03);
}

// Source: Orvieto et al., §3.4: with γ = √(1 − |λ|²) the stationary variance of a state is that of its inputs B·u.
TEST(Lru, StatesKeepTheVarianceOfTheirInputs) {
  const Worker worker;
  const Named parameters = f64::run_mixer(lru({1}, {{"r_max", 0.95}}), input(1), {}).parameters;
  for (std::size_t k = 0; k < 5; ++k) {
    double variance = 0;  // Σ_j γ²|λ|^2j
    const double gamma = std::exp(parameters.at("log_gamma")[k]);
    for (double j = 0; j < 2000; ++j) variance += gamma * gamma * std::pow(std::norm(power(parameters, k)), j);
    EXPECT_NEAR(variance, 1, 1e-10);
  }
}

TEST(Lru, RefusesARingInsideOut) {
  const Worker worker;
  EXPECT_THROW((void)f32::run_mixer(lru({3}, {{"r_min", 0.9}, {"r_max", 0.5}}), input(3), {}), Error);
}

}  // namespace
}  // namespace lra
