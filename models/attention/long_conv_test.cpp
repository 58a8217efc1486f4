/// Long convolutions against direct sums with filters from the parameters, one tap at a time.
#include <gtest/gtest.h>

#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"
#include "models/testing/dense_convolution.h"

namespace lra {
namespace {

constexpr std::size_t kWidth = 6;

MixerCase long_conv(std::vector<long> lengths, Json settings) {
  MixerCase c;
  c.model = "long_conv", c.settings = std::move(settings), c.lengths = std::move(lengths);
  c.width = c.qkv = long(kWidth), c.length = 150;
  return c;
}

Numbers input(long tokens) { return rounded(random_numbers(std::size_t(tokens) * kWidth, "x")); }

/// Taps of `least` or less in magnitude vanish, others approach zero by as much.
double squashed(double tap, double least) {
  if (std::abs(tap) <= least) return 0;
  return tap > 0 ? tap - least : tap + least;
}

/// The filters of all features; factors multiply taps.
std::vector<Taps> filters(const Numbers& kernel, bool causal, double threshold, const Numbers& factors) {
  const std::size_t columns = (causal ? 1 : 2) * kWidth;
  std::vector<Taps> all(kWidth);
  for (std::size_t at = 0; at < kernel.size(); ++at) {
    const std::size_t f = at % columns;
    Numbers& to = f < kWidth ? all[f].after : all[f - kWidth].before;
    to.push_back(squashed(kernel[at], threshold) * factors[at]);
  }
  return all;
}

TEST(LongConv, IsADirectConvolutionWithSquashedTaps) {
  const Worker worker;
  for (const double threshold : {0.0, 0.002})
    for (const bool causal : {false, true})
      for (const bool training : {false, true}) {
        // Dropout, if any, must not act outside of training.
        MixerCase c = long_conv(
            {1, 2, 37, 130}, {{"threshold", threshold}, {"causal", causal}, {"kernel_dropout", training ? 0.0 : 0.5}});
        c.training = training;
        const Numbers x = input(170);
        Named given;  // of a magnitude that matters beside the skip connection
        given["kernel"] = rounded(random_numbers(150 * (causal ? 1 : 2) * kWidth, "kernel"));
        for (double& tap : given["kernel"]) tap = double(float(tap * 0.004));
        const MixerRun exact = f64::run_mixer(c, x, {}, given);
        const Numbers& kernel = exact.parameters.at("kernel");
        const std::vector<Taps> taps = filters(kernel, causal, threshold, Numbers(kernel.size(), 1.0));
        const Numbers want =
            by_sequence(c, x, [&](const Numbers& of) { return gated_convolution(exact.parameters, taps, of); });
        EXPECT_LT(relative_error(exact.result, want), 1e-10) << c.settings;
        EXPECT_LT(relative_error(f32::run_mixer(c, x, {}, exact.parameters).result, want), 1e-5) << c.settings;
      }
}

// Source: the definition of dropout; a dropped tap has no gradient.
TEST(LongConv, DropsTheSameTapsForAllSequencesOfAStep) {
  MixerCase c = long_conv({150, 150, 40}, {{"threshold", 0.0}, {"kernel_dropout", 0.25}});
  const Numbers x = input(340);
  const MixerRun run = f64::run_mixer(c, x, x);
  const Numbers &kernel = run.parameters.at("kernel"), &gradient = run.gradients.at("kernel");
  Numbers factors;
  double kept = 0;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    factors.push_back(gradient[i] != 0 ? 1 / 0.75 : 0);
    kept += gradient[i] != 0;
  }
  EXPECT_NEAR(kept / double(kernel.size()), 0.75, 4 * std::sqrt(0.75 * 0.25 / double(kernel.size())) + 0.01);
  const std::vector<Taps> taps = filters(kernel, false, 0, factors);
  const Numbers want =
      by_sequence(c, x, [&](const Numbers& of) { return gated_convolution(run.parameters, taps, of); });
  EXPECT_LT(relative_error(run.result, want), 1e-10);
  c.step += 1;
  EXPECT_NE(f64::run_mixer(c, x, {}).result, run.result);
}

}  // namespace
}  // namespace lra
