/// DSS against direct sums with filters by the formulas of the paper, one state at a time.
#include <gtest/gtest.h>

#include <complex>
#include <set>

#include "core/error.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"
#include "models/testing/contract.h"
#include "models/testing/dense_convolution.h"

namespace lra {
namespace {

using Complex = std::complex<double>;

constexpr std::size_t kWidth = 6, kStates = 5;
constexpr long kLength = 150;

MixerCase dss(std::vector<long> lengths, Json settings) {
  settings["states"] = kStates;
  MixerCase c;
  c.model = "dss", c.settings = std::move(settings), c.lengths = std::move(lengths);
  c.width = c.qkv = long(kWidth), c.length = kLength;
  return c;
}

Numbers input(long tokens) { return rounded(random_numbers(std::size_t(tokens) * kWidth, "x")); }

/// The taps of feature f with the weights of `row`. Source: Gupta, Gu, Berant. arXiv:2203.14343, proposition 1.
Numbers filter(const Named& parameters, std::size_t f, std::size_t row) {
  const bool softmax = parameters.contains("real");
  const double step = std::exp(parameters.at("log_step")[f]);
  Numbers taps(kLength);
  for (std::size_t s = 0; s < kStates; ++s) {
    const double real = softmax ? parameters.at("real")[s] : -std::exp(parameters.at("log_decay")[s]);
    const Complex lambda(real, parameters.at("frequency")[s]);
    const Numbers& w = parameters.at("weights");
    const Complex weight(w[row * 2 * kStates + s], w[row * 2 * kStates + kStates + s]);
    Complex sum = 0;
    for (double t = 0; t < double(kLength); ++t) sum += std::exp(lambda * step * t);
    const Complex factor = weight / lambda * (softmax ? 1.0 / sum : std::exp(lambda * step) - 1.0);
    for (std::size_t t = 0; t < taps.size(); ++t) taps[t] += (factor * std::exp(lambda * step * double(t))).real();
  }
  return taps;
}

std::vector<Taps> filters(const Named& parameters, bool causal) {
  std::vector<Taps> all(kWidth);
  for (std::size_t f = 0; f < kWidth; ++f) {
    all[f].after = filter(parameters, f, f);
    if (!causal) all[f].before = filter(parameters, f, kWidth + f);
  }
  return all;
}

void expect_direct_convolution(const MixerCase& c, const Numbers& x, bool causal, const Named& given) {
  Named parameters = f64::run_mixer(c, x, {}, given).parameters;
  for (auto& [name, values] : parameters) values = rounded(values);  // a rounded frequency turns the last taps
  const MixerRun exact = f64::run_mixer(c, x, {}, parameters);
  const std::vector<Taps> taps = filters(exact.parameters, causal);
  const Numbers want =
      by_sequence(c, x, [&](const Numbers& of) { return gated_convolution(exact.parameters, taps, of); });
  EXPECT_LT(relative_error(exact.result, want), 1e-10) << c.settings;
  EXPECT_LT(relative_error(f32::run_mixer(c, x, {}, exact.parameters).result, want), 1e-5) << c.settings;
}

TEST(Dss, IsADirectConvolutionWithThePapersFilters) {
  const Worker worker;
  for (const char* version : {"softmax", "exp"})
    for (const bool causal : {false, true}) {
      const MixerCase c = dss({1, 2, 37, 130}, {{"version", version}, {"causal", causal}});
      expect_direct_convolution(c, input(170), causal, {});
    }
}

// The softmax allows states that grow, slowly or so fast that only the last taps remain.
TEST(Dss, NormalisesStatesThatGrow) {
  const Worker worker;
  expect_direct_convolution(dss({150, 3}, {}), input(153), false,
                            {{"real", rounded({0.3, -0.2, 1e-4, 0.7, 2.5})}, {"log_step", Numbers(kWidth, -2.5)}});
}

TEST(Dss, HasTheGradientsOfEachVersion) {
  for (const char* version : {"softmax", "exp"}) {
    const MixerCase c = dss({19, 1, 8}, {{"version", version}});
    EXPECT_LT(error_along_directions(c), 1e-6) << version;
    EXPECT_LT(error_in_float(c), 1e-5) << version;
  }
}

// Source: the sum of the squared eigenvalues of a skew matrix is the sum of its squared entries, and the paper's
// entries are ½·√((2i+1)(2k+1)) of 2·S states, of which it keeps those with positive imaginary parts.
TEST(Dss, StartsAtTheEigenvaluesOfLegs) {
  const Worker worker;
  const Named parameters = f64::run_mixer(dss({1}, {}), input(1), {}).parameters;
  double squares = 0, entries = 0;
  for (const double frequency : parameters.at("frequency")) {
    EXPECT_GT(frequency, 0);
    squares += frequency * frequency;
  }
  for (std::size_t i = 0; i < 2 * kStates; ++i)
    for (std::size_t k = 0; k < i; ++k) entries += double((2 * i + 1) * (2 * k + 1)) / 4;
  EXPECT_NEAR(squares, entries, 1e-9 * entries);
  const std::set<double> distinct(parameters.at("frequency").begin(), parameters.at("frequency").end());
  EXPECT_EQ(distinct.size(), kStates);
  EXPECT_EQ(parameters.at("real"), Numbers(kStates, -0.5));
}

TEST(Dss, RefusesSettingsThatDoNotFit) {
  const Worker worker;
  for (const Json& settings : {Json{{"version", "clip"}}, Json{{"dt_min", 0.1}, {"dt_max", 0.01}}})
    EXPECT_THROW((void)f32::run_mixer(dss({3}, settings), input(3), {}), Error) << settings;
}

}  // namespace
}  // namespace lra
