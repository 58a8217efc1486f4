/// Gated DeltaNet against its recurrence in double, and its initial values.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense_delta.h"

namespace lra {
namespace {

/// α (N,H) = exp(−A·softplus(x·u + b)).
Dense kept_of(const Trial& trial, const Dense& x) {
  Dense y = project(x, trial.weights("step"));
  for (long t = 0; t < y.rows; ++t)
    for (long h = 0; h < y.cols; ++h) {
      const double step = std::log1p(std::exp(y.at(t, h) + trial.run.parameters.at("step_bias")[std::size_t(h)]));
      y.at(t, h) = std::exp(-std::exp(trial.run.parameters.at("log_rate")[std::size_t(h)]) * step);
    }
  return y;
}

TEST(GatedDeltaNet, EqualsItsRecurrence) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const long factor : {1L, 2L}) {
        Trial trial("gated_deltanet", {{"value_factor", factor}, {"causal", causal}}, lengths);
        trial.set({{"norm.gamma", random_numbers(trial.run.parameters.at("norm.gamma").size(), "gamma")},
                   {"log_rate", {-3, 0, 1}}});
        trial.expect_rows([&](const Dense& x) {
          Dense o = delta_heads(trial, x, kept_of(trial, x), causal);
          const Dense gate = project(x, trial.weights("gate"));
          for (std::size_t i = 0; i < o.v.size(); ++i) o.v[i] *= swish_of(gate.v[i]);
          return project(o, trial.weights("out"));
        });
      }
}

TEST(GatedDeltaNet, FloatAgreesWithDouble) {
  for (const bool causal : {false, true}) {
    MixerCase c;
    c.model = "gated_deltanet", c.settings = {{"causal", causal}}, c.lengths = {130, 1, 17};
    c.width = 12, c.qkv = 24, c.heads = 3;
    EXPECT_LT(error_in_float(c), 1e-5) << causal;
  }
}

// Source: the initial values of fla-org/flash-linear-attention, fla/layers/gated_deltanet.py: A is uniform in [0,16],
// time steps are log-uniform in [0.001,0.1].
TEST(GatedDeltaNet, StartsAtItsAuthorsRatesAndSteps) {
  MixerCase c;
  c.model = "gated_deltanet", c.width = 8, c.qkv = c.heads = 256, c.lengths = {1};
  const MixerRun run = f64::run_mixer(c, Numbers(8), {});
  const auto expect_uniform = [](Numbers values, double low, double high) {
    std::sort(values.begin(), values.end());
    EXPECT_GE(values.front(), low - 1e-5);
    EXPECT_LE(values.back(), high + 1e-5);
    for (std::size_t i = 0; i < values.size(); ++i)  // Kolmogorov-Smirnov, at a probability of 1e-4
      EXPECT_NEAR((values[i] - low) / (high - low), (double(i) + 0.5) / double(values.size()), 2.2 / 16);
  };
  Numbers rates, steps;
  for (const double value : run.parameters.at("log_rate")) rates.push_back(std::exp(value));
  for (const double value : run.parameters.at("step_bias")) steps.push_back(std::log(std::log1p(std::exp(value))));
  expect_uniform(rates, 0, 16);
  expect_uniform(steps, std::log(0.001), std::log(0.1));
}

}  // namespace
}  // namespace lra
