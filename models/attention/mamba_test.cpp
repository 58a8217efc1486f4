/// Mamba against its recurrence in double, and its initial values.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kMambaStates = 5;

double mamba_swish(double x) { return x / (1 + std::exp(-x)); }

/// The convolution over the tokens themselves and, unless causal, as many after as before them; then swish.
Dense convolved(const Trial& trial, const Dense& x, bool causal) {
  const Dense in = project(x, trial.weights("in")), w = trial.weights("convolution");
  const long before = causal ? w.cols - 1 : (w.cols - 1) / 2;
  Dense u(in.rows, in.cols);
  for (long i = 0; i < in.rows; ++i)
    for (long f = 0; f < in.cols; ++f) {
      double sum = trial.run.parameters.at("convolution_bias")[std::size_t(f)];
      for (long t = 0; t < w.cols; ++t)
        if (const long from = i + t - before; from >= 0 && from < in.rows) sum += w.at(f, t) * in.at(from, f);
      u.at(i, f) = mamba_swish(sum);
    }
  return u;
}

Dense columns_of(const Dense& x, long begin, long count) {
  Dense y(x.rows, count);
  for (long i = 0; i < x.rows; ++i)
    for (long c = 0; c < count; ++c) y.at(i, c) = x.at(i, begin + c);
  return y;
}

/// Each feature and state: h ← exp(Δ·A)·h + Δ·B·u, y = Σ C·h + D·u, from either end; what the token itself adds counts
/// once.
Dense selected_states(const Trial& trial, const Dense& u, bool causal) {
  const Dense select = project(u, trial.weights("select")), log_rate = trial.weights("log_rate");
  const long rank = select.cols - 2 * kMambaStates;
  Dense step = project(columns_of(select, 0, rank), trial.weights("step"));
  const Dense b = columns_of(select, rank, kMambaStates), c = columns_of(select, rank + kMambaStates, kMambaStates);
  Dense y(u.rows, u.cols);
  for (long f = 0; f < u.cols; ++f) {
    for (long t = 0; t < u.rows; ++t) {
      step.at(t, f) = std::log1p(std::exp(step.at(t, f) + trial.run.parameters.at("step_bias")[std::size_t(f)]));
      y.at(t, f) = trial.run.parameters.at("skip")[std::size_t(f)] * u.at(t, f);
    }
    for (long m = 0; m < kMambaStates; ++m)
      for (const bool reversed : {false, true}) {
        if (reversed && causal) continue;
        double h = 0;
        for (long i = 0; i < u.rows; ++i) {
          const long t = reversed ? u.rows - 1 - i : i;
          const double kept = std::exp(-step.at(t, f) * std::exp(log_rate.at(f, m))) * h;
          h = kept + step.at(t, f) * b.at(t, m) * u.at(t, f);
          y.at(t, f) += c.at(t, m) * (reversed ? kept : h);
        }
      }
  }
  return y;
}

TEST(Mamba, EqualsItsRecurrence) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const long rank : {0L, 3L}) {
        Trial trial("mamba",
                    {{"states", kMambaStates}, {"expand", rank > 0 ? 1 : 2}, {"rank", rank}, {"causal", causal}},
                    lengths);
        Named values = trial.run.parameters;
        values["skip"] = random_numbers(values["skip"].size(), "skip");
        for (double& value : values["log_rate"]) value -= 0.5 * double(&value - values["log_rate"].data()) / 60;
        trial.set(values);
        trial.expect_rows([&](const Dense& x) {
          Dense y = selected_states(trial, convolved(trial, x, causal), causal);
          const Dense z = project(x, trial.weights("gate"));
          for (std::size_t i = 0; i < y.v.size(); ++i) y.v[i] *= mamba_swish(z.v[i]);
          return project(y, trial.weights("out"));
        });
      }
}

TEST(Mamba, FloatAgreesWithDouble) {
  for (const bool causal : {false, true}) {
    MixerCase c;
    c.model = "mamba", c.settings = {{"causal", causal}}, c.lengths = {130, 1, 17};
    c.width = 12, c.qkv = 12, c.heads = 3;
    EXPECT_LT(error_in_float(c), 1e-5) << causal;
  }
}

// The contract declares that costs are linear; a long sequence also needs float32 to remain exact.
TEST(Mamba, FloatAgreesWithDoubleAtLength16384) {
  MixerCase c;
  c.model = "mamba", c.settings = {{"expand", 1}}, c.lengths = {16384};
  c.width = 4, c.qkv = 4, c.heads = 1;
  EXPECT_LT(error_in_float(c), 1e-5);
}

// Source: state-spaces/mamba, mamba_ssm/modules/mamba_simple.py: 16 states with the rates 1 … 16, 2·width inner
// features, 4 taps, rank ⌈width/16⌉, time steps log-uniform in [0.001,0.1], W_Δ uniform in ±1/√rank, D = 1.
TEST(Mamba, StartsAtItsAuthorsValues) {
  MixerCase c;
  c.model = "mamba", c.settings = {{"causal", true}}, c.width = c.qkv = 130, c.heads = 1, c.lengths = {1};
  const MixerRun run = f64::run_mixer(c, Numbers(130), {});
  EXPECT_EQ(run.shapes.at("step"), (std::vector<long>{260, 9}));
  EXPECT_EQ(run.shapes.at("select"), (std::vector<long>{9 + 2 * 16, 260}));
  EXPECT_EQ(run.shapes.at("convolution"), (std::vector<long>{260, 4}));
  const Numbers& rates = run.parameters.at("log_rate");
  ASSERT_EQ(rates.size(), 260 * 16u);
  for (std::size_t i = 0; i < rates.size(); ++i) EXPECT_NEAR(std::exp(rates[i]), double(1 + i % 16), 1e-12);
  for (const double value : run.parameters.at("skip")) EXPECT_EQ(value, 1);
  const auto expect_uniform = [](Numbers values, double low, double high) {
    std::sort(values.begin(), values.end());
    EXPECT_GE(values.front(), low - 1e-5);
    EXPECT_LE(values.back(), high + 1e-5);
    for (std::size_t i = 0; i < values.size(); ++i)  // Kolmogorov-Smirnov, at a probability of 1e-4
      EXPECT_NEAR((values[i] - low) / (high - low), (double(i) + 0.5) / double(values.size()),
                  2.2 / std::sqrt(double(values.size())));
  };
  Numbers steps;
  for (const double value : run.parameters.at("step_bias")) steps.push_back(std::log(std::log1p(std::exp(value))));
  expect_uniform(steps, std::log(0.001), std::log(0.1));
  expect_uniform(run.parameters.at("step"), -1.0 / 3, 1.0 / 3);
}

}  // namespace
}  // namespace lra
