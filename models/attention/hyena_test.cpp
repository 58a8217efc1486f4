/// Hyena against its definition: short and long convolutions as direct sums, filters one tap and feature at a time.
#include <gtest/gtest.h>

#include <numbers>

#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"
#include "models/testing/dense_convolution.h"

namespace lra {
namespace {

constexpr std::size_t kWidth = 6, kFeatures = 10;
constexpr long kLength = 150;

MixerCase hyena(std::vector<long> lengths, Json settings) {
  settings["features"] = kFeatures;
  MixerCase c;
  c.model = "hyena", c.settings = std::move(settings), c.lengths = std::move(lengths);
  c.width = c.qkv = long(kWidth), c.length = kLength;
  return c;
}

Numbers input(long tokens) { return rounded(random_numbers(std::size_t(tokens) * kWidth, "x")); }

/// Tap t of all columns. Source: Poli et al. arXiv:2302.10866, §3.3 and appendix D.3.
Numbers taps_at(const Named& parameters, long t, long bands, std::size_t columns) {
  const double time = double(t) / double(kLength - 1), turn = 2 * std::numbers::pi * double(t) / double(kLength);
  Numbers frequencies = {1e-4};
  for (long k = 1; k < bands; ++k)
    frequencies.push_back(1e-4 + double(k) * (double(bands - 1) - 1e-4) / double(bands - 1));
  Numbers x = {time};
  for (const double f : frequencies) x.push_back(std::cos(f * turn));
  for (const double f : frequencies) x.push_back(-std::sin(f * turn));
  for (const char* layer : {"filter.in", "filter.first", "filter.second"}) {
    x = linear_layer(parameters, layer, x, x.size());
    for (std::size_t i = 0; i < kFeatures; ++i) x[i] = std::sin(parameters.at("filter.frequency")[i] * x[i]);
  }
  Numbers taps;
  for (std::size_t c = 0; c < columns; ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < kFeatures; ++i) sum += parameters.at("filter.out")[c * kFeatures + i] * x[i];
    const double slow = std::log(0.01) / 1.5, fast = std::log(0.01) / 0.3;
    const double delta = slow + double(c % kWidth) / double(kWidth - 1) * (fast - slow);
    taps.push_back(sum * std::exp(-time * std::abs(delta)));
  }
  return taps;
}

std::vector<Taps> filters(const Named& parameters, bool causal, long bands) {
  std::vector<Taps> all(kWidth);
  for (long t = 0; t < kLength; ++t) {
    const Numbers taps = taps_at(parameters, t, bands, (causal ? 1 : 2) * kWidth);
    for (std::size_t c = 0; c < taps.size(); ++c)
      (c < kWidth ? all[c].after : all[c - kWidth].before).push_back(taps[c]);
  }
  return all;
}

/// One sequence, row-major (n,C).
Numbers evaluated(const Named& parameters, const std::vector<Taps>& taps, bool causal, const Numbers& x) {
  const Numbers all = linear_layer(parameters, "in", x, kWidth);
  std::vector<Numbers> z;  // of each of the 3·C features
  for (std::size_t c = 0; c < 3 * kWidth; ++c) {
    const Numbers u = column(all, 3 * kWidth, c);
    z.emplace_back(u.size(), parameters.at("short.bias")[c]);
    for (long i = 0; i < long(u.size()); ++i)
      for (long k = 0; k < 3; ++k)
        if (const long j = i + k - (causal ? 2 : 1); j >= 0 && j < long(u.size()))
          z[c][std::size_t(i)] += parameters.at("short.weight")[c * 3 + std::size_t(k)] * u[std::size_t(j)];
  }
  Numbers y(x.size());
  for (std::size_t f = 0; f < kWidth; ++f) {
    Numbers u = z[kWidth + f];
    for (std::size_t i = 0; i < u.size(); ++i) u[i] *= z[2 * kWidth + f][i];
    const Numbers long_part = convolve(u, taps[f]);
    for (std::size_t i = 0; i < u.size(); ++i)
      y[i * kWidth + f] = z[f][i] * (long_part[i] + parameters.at("skip")[f] * u[i]);
  }
  return linear_layer(parameters, "out", y, kWidth);
}

TEST(Hyena, IsItsDefinition) {
  const Worker worker;
  for (const bool causal : {false, true})
    for (const long bands : {1L, 4L})
      for (const double frequency : {1.0, 10.0}) {
        const MixerCase c = hyena({1, 2, 37, 130}, {{"causal", causal}, {"bands", bands}, {"frequency", frequency}});
        const Numbers x = input(170);
        const MixerRun exact = f64::run_mixer(c, x, {});
        const std::vector<Taps> taps = filters(exact.parameters, causal, bands);
        const Numbers want =
            by_sequence(c, x, [&](const Numbers& of) { return evaluated(exact.parameters, taps, causal, of); });
        EXPECT_LT(relative_error(exact.result, want), 1e-10) << c.settings;
        EXPECT_LT(relative_error(f32::run_mixer(c, x, {}, exact.parameters).result, want), 1e-5) << c.settings;
      }
}

}  // namespace
}  // namespace lra
