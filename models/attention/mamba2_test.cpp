/// Mamba-2 against its recurrence in double, and its initial values.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3, kStates = 5;

double swish(double x) { return x / (1 + std::exp(-x)); }

struct Selected {
  Dense u, b, c;
};

/// The convolution over the tokens themselves and, unless causal, as many after as before them; then swish.
Selected selected(const Trial& trial, const Dense& x, bool causal) {
  const Dense in = project(x, trial.weights("in")), w = trial.weights("convolution");
  const long inner = in.cols - 2 * kStates, before = causal ? w.cols - 1 : (w.cols - 1) / 2;
  Selected s{Dense(x.rows, inner), Dense(x.rows, kStates), Dense(x.rows, kStates)};
  for (long i = 0; i < x.rows; ++i)
    for (long f = 0; f < in.cols; ++f) {
      double sum = trial.run.parameters.at("convolution_bias")[std::size_t(f)];
      for (long t = 0; t < w.cols; ++t)
        if (const long from = i + t - before; from >= 0 && from < x.rows) sum += w.at(f, t) * in.at(from, f);
      if (f < inner)
        s.u.at(i, f) = swish(sum);
      else if (f < inner + kStates)
        s.b.at(i, f - inner) = swish(sum);
      else
        s.c.at(i, f - inner - kStates) = swish(sum);
    }
  return s;
}

/// Δ (N,H).
Dense steps(const Trial& trial, const Dense& x) {
  Dense y = project(x, trial.weights("step"));
  for (long i = 0; i < y.rows; ++i)
    for (long h = 0; h < y.cols; ++h)
      y.at(i, h) = std::log1p(std::exp(y.at(i, h) + trial.run.parameters.at("step_bias")[std::size_t(h)]));
  return y;
}

/// One head: h ← exp(−Δ·A)·h + Δ·B·u, y = C·h + D·u, from either end; what the token itself adds counts once.
Dense state_space(const Dense& u, const Selected& s, const Dense& step, long head, double rate, double skip,
                  bool causal) {
  Dense y(u.rows, u.cols);
  const auto pass = [&](bool reversed) {
    Dense h(kStates, u.cols);
    for (long i = 0; i < u.rows; ++i) {
      const long t = reversed ? u.rows - 1 - i : i;
      for (long n = 0; n < kStates; ++n)
        for (long p = 0; p < u.cols; ++p) {
          const double kept = std::exp(-step.at(t, head) * rate) * h.at(n, p);
          h.at(n, p) = kept + step.at(t, head) * s.b.at(t, n) * u.at(t, p);
          y.at(t, p) += s.c.at(t, n) * (reversed ? kept : h.at(n, p));
        }
    }
  };
  pass(false);
  if (!causal) pass(true);
  for (long t = 0; t < u.rows; ++t)
    for (long p = 0; p < u.cols; ++p) y.at(t, p) += skip * u.at(t, p);
  return y;
}

/// norm(y ∘ swish(z))·W_O with an RMS norm over all features.
Dense gated(const Trial& trial, const Dense& x, Dense y) {
  const Dense z = project(x, trial.weights("gate"));
  for (long i = 0; i < y.rows; ++i) {
    double square = 0;
    for (long c = 0; c < y.cols; ++c) {
      y.at(i, c) *= swish(z.at(i, c));
      square += y.at(i, c) * y.at(i, c) / double(y.cols);
    }
    for (long c = 0; c < y.cols; ++c)
      y.at(i, c) *= trial.run.parameters.at("norm.gamma")[std::size_t(c)] / std::sqrt(square + 1e-5);
  }
  return project(y, trial.weights("out"));
}

TEST(Mamba2, EqualsItsRecurrence) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const long expand : {1L, 2L}) {
        Trial trial("mamba2", {{"states", kStates}, {"expand", expand}, {"causal", causal}}, lengths);
        Named values = trial.run.parameters;
        for (const char* name : {"skip", "norm.gamma"}) values[name] = random_numbers(values[name].size(), name);
        trial.set(values);
        trial.expect_rows([&](const Dense& x) {
          const Selected s = selected(trial, x, causal);
          const Dense step = steps(trial, x);
          return gated(trial, x, by_heads(kHeads, [&](long h) {
                         return state_space(of_head(s.u, h, kHeads), s, step, h,
                                            std::exp(trial.run.parameters.at("log_rate")[std::size_t(h)]),
                                            trial.run.parameters.at("skip")[std::size_t(h)], causal);
                       }));
        });
      }
}

TEST(Mamba2, FloatAgreesWithDouble) {
  for (const bool causal : {false, true}) {
    MixerCase c;
    c.model = "mamba2", c.settings = {{"causal", causal}}, c.lengths = {130, 1, 17};
    c.width = 12, c.qkv = 12, c.heads = 3;
    EXPECT_LT(error_in_float(c), 1e-5) << causal;
  }
}

// Source: the initial values of state-spaces/mamba, mamba_ssm/modules/mamba2.py: A is uniform in [1,16], time steps are
// log-uniform in [0.001,0.1].
TEST(Mamba2, StartsAtItsAuthorsRatesAndSteps) {
  MixerCase c;
  c.model = "mamba2", c.width = c.qkv = c.heads = 256, c.lengths = {1};
  c.settings = {{"states", 1}, {"expand", 1}};
  const MixerRun run = f64::run_mixer(c, Numbers(256), {});
  Numbers rates, steps;
  for (const double value : run.parameters.at("log_rate")) rates.push_back(std::exp(value));
  for (const double value : run.parameters.at("step_bias")) steps.push_back(std::log(std::log1p(std::exp(value))));
  const auto expect_uniform = [](Numbers values, double low, double high) {
    std::sort(values.begin(), values.end());
    EXPECT_GE(values.front(), low - 1e-5);
    EXPECT_LE(values.back(), high + 1e-5);
    for (std::size_t i = 0; i < values.size(); ++i)  // Kolmogorov-Smirnov, at a probability of 1e-4
      EXPECT_NEAR((values[i] - low) / (high - low), (double(i) + 0.5) / double(values.size()), 2.2 / 16);
  };
  expect_uniform(rates, 1, 16);
  expect_uniform(steps, std::log(0.001), std::log(0.1));
}

}  // namespace
}  // namespace lra
