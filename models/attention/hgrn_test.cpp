/// HGRN against its recurrence over complex numbers in double.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "models/testing/contract.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// γ of one feature: the sum of the softmax of its shares before this layer.
double lower_bound(const Trial& trial, long feature) {
  const Dense shares = trial.weights("shared.forget_shares");
  double below = 0, all = 0;
  for (long k = 0; k < shares.cols; ++k) {
    all += std::exp(shares.at(feature, k));
    if (k < trial.c.layer) below += std::exp(shares.at(feature, k));
  }
  return below / all;
}

/// Qin et al., §3: h ← λ e^{iθ} h + (1 − λ) c, from both ends unless causal.
Dense states(const Trial& trial, const Dense& x, bool is_complex, bool causal) {
  const Dense forget = DenseLayers{trial}.affine(x, "forget"), input = DenseLayers{trial}.affine(x, "input");
  Dense y(input.rows, input.cols);
  for (long f = 0; f < forget.cols; ++f) {
    const double bound = lower_bound(trial, f);
    const auto c = [&](long t, long at) { return input.at(t, at) * sigmoid(input.at(t, at)); };
    const auto pass = [&](bool reversed) {
      std::complex<double> h = 0;
      for (long i = 0; i < x.rows; ++i) {
        const long t = reversed ? x.rows - 1 - i : i;
        const double lambda = bound + (1 - bound) * sigmoid(forget.at(t, f));
        const double angle = is_complex ? trial.run.parameters.at("angles")[std::size_t(f)] : 0;
        h = lambda * std::polar(1.0, angle) * h +
            (1 - lambda) * std::complex<double>(c(t, f), is_complex ? c(t, f + forget.cols) : 0);
        y.at(t, f) += h.real();
        if (is_complex) y.at(t, f + forget.cols) += h.imag();
      }
    };
    pass(false);
    if (!causal) pass(true);
  }
  return y;
}

/// (norm(h) ∘ swish(gate))·W_O + b_O.
Dense gated(const Trial& trial, const Dense& x, Dense y) {
  const Dense gate = DenseLayers{trial}.affine(x, "gate");
  for (long i = 0; i < y.rows; ++i) {
    double mean = 0, square = 0;
    for (long c = 0; c < y.cols; ++c) mean += y.at(i, c) / double(y.cols);
    for (long c = 0; c < y.cols; ++c) square += (y.at(i, c) - mean) * (y.at(i, c) - mean) / double(y.cols);
    for (long c = 0; c < y.cols; ++c)
      y.at(i, c) =
          ((y.at(i, c) - mean) / std::sqrt(square + 1e-5) * trial.run.parameters.at("norm.gamma")[std::size_t(c)] +
           trial.run.parameters.at("norm.beta")[std::size_t(c)]) *
          gate.at(i, c) * sigmoid(gate.at(i, c));
  }
  return DenseLayers{trial}.affine(y, "out");
}

TEST(Hgrn, EqualsItsRecurrence) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const bool is_complex : {false, true})
        for (const long layer : {0L, 1L, 2L}) {
          Trial trial("hgrn", {{"complex", is_complex}, {"causal", causal}}, {1});
          trial.c.layer = layer, trial.c.layers = 3, trial.c.lengths = lengths;
          std::size_t tokens = 0;
          for (const long n : lengths) tokens += std::size_t(n);
          trial.x = random_numbers(tokens * std::size_t(trial.c.width), "x");
          trial.set({});
          trial.fill_zeros();
          trial.expect_rows([&](const Dense& x) { return gated(trial, x, states(trial, x, is_complex, causal)); });
        }
}

// The contract has the first layer alone, which has no lower bound.
TEST(Hgrn, GradientsAndFloatInHigherLayers) {
  for (const bool is_complex : {false, true}) {
    MixerCase c;
    c.model = "hgrn", c.settings = {{"complex", is_complex}}, c.lengths = {130, 1, 17};
    c.width = c.qkv = 12, c.heads = 3, c.layer = 1, c.layers = 3;
    EXPECT_LT(error_along_directions(c), 1e-6) << is_complex;
    EXPECT_LT(error_in_float(c), 1e-5) << is_complex;
  }
}

// Source: Qin et al., §3.2: bounds rise from 0 in the first layer; equal shares at first.
TEST(Hgrn, BoundsRiseFromLayerToLayer) {
  for (const long layer : {0L, 1L, 2L}) {
    Trial trial("hgrn", {}, {1});
    trial.c.layer = layer, trial.c.layers = 3;
    trial.set({});
    EXPECT_NEAR(lower_bound(trial, 4), double(layer) / 3, 1e-12);
  }
}

}  // namespace
}  // namespace lra
