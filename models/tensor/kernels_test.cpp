#include "models/tensor/detail/kernels.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/random.h"
#include "models/tensor/detail/kernel_cases.h"

namespace lra {
namespace f64 {
std::vector<KernelOutput> kernel_outputs(long n);
std::vector<KernelOutput> extreme_outputs();
}  // namespace f64

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Runs each test on every instruction set that is compiled in and that this machine supports.
class Kernels : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { choose(GetParam()); }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }
  static void choose(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
  }
};

std::vector<std::int64_t> targets() {
  std::vector<std::int64_t> all;
  for (const std::int64_t target : {HWY_AVX3, HWY_AVX2, HWY_SSE4, HWY_NEON, HWY_SCALAR})
    if (hwy::SupportedTargets() & target) all.push_back(target);
  if (all.empty() || all.back() != HWY_SCALAR) all.push_back(HWY_SCALAR);
  return all;
}

INSTANTIATE_TEST_SUITE_P(On, Kernels, testing::ValuesIn(targets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

double relative_distance(const std::vector<double>& a, const std::vector<double>& b) {
  double distance = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    distance += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return distance == 0 ? 0 : std::sqrt(distance / size);
}

void expect_close(const std::vector<KernelOutput>& fast, const std::vector<KernelOutput>& exact) {
  ASSERT_EQ(fast.size(), exact.size());
  for (std::size_t i = 0; i < fast.size(); ++i) {
    ASSERT_EQ(fast[i].name, exact[i].name);
    if (fast[i].tolerance == 0)
      EXPECT_EQ(fast[i].values, exact[i].values) << fast[i].name;
    else
      EXPECT_LE(relative_distance(fast[i].values, exact[i].values), fast[i].tolerance) << fast[i].name;
  }
}

TEST_P(Kernels, RunOnTheChosenSet) { EXPECT_STREQ(kernels::instruction_set(), hwy::TargetName(GetParam())); }

// Source of the expected values: the definitions in kernels.h, evaluated in double by reference.cpp.
TEST_P(Kernels, AgreeWithTheDefinitionsInDouble) {
  for (const long n : {1, 3, 15, 16, 17, 127, 128, 129, 1000, 1100}) {
    SCOPED_TRACE(n);
    expect_close(kernel_outputs(n), f64::kernel_outputs(n));
  }
}

TEST_P(Kernels, AgreeAtTheEndsOfTheRange) { expect_close(extreme_outputs(), f64::extreme_outputs()); }

/// The distance in units of the last place of float at the exact value.
double ulps(float value, double exact) {
  const double place = std::ldexp(1.0, std::max(std::ilogb(exact) - 23, -149));
  return std::abs(double(value) - exact) / place;
}

TEST_P(Kernels, ExponentialIsExactToTwoUnits) {
  std::vector<float> x, y;
  for (std::uint32_t bits = 0; bits < std::bit_cast<std::uint32_t>(104.5f); bits += 2003)
    for (const float sign : {1.0f, -1.0f}) {
      const float v = sign * std::bit_cast<float>(bits);
      if (v < 88.7228f) x.push_back(v);  // above, exp exceeds the range of float
    }
  y.resize(x.size());
  kernels::exponential(x.data(), y.data(), long(x.size()));
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, ulps(y[i], std::exp(double(x[i]))));
  EXPECT_LE(worst, 2);
  RecordProperty("worst_ulps", std::to_string(worst));
}

TEST_P(Kernels, ExponentialOfTheExtremes) {
  const std::vector<float> x{-kInfinity, -1e30f, -104.5f, 0.0f, -0.0f, 88.73f, 1e30f, kInfinity};
  const std::vector<float> expected{0, 0, 0, 1, 1, kInfinity, kInfinity, kInfinity};
  std::vector<float> y(x.size());
  kernels::exponential(x.data(), y.data(), long(x.size()));
  EXPECT_EQ(y, expected);
}

TEST_P(Kernels, NanIsNeverHidden) {
  for (const long n : {1, 40}) {
    const std::vector<float> x(std::size_t(n), std::bit_cast<float>(0x7fc12345u));
    const auto expect_nan = [&](const char* name, void (*kernel)(const float*, float*, long)) {
      std::vector<float> y(x.size(), 1);
      kernel(x.data(), y.data(), n);
      for (const float v : y) EXPECT_TRUE(std::isnan(v)) << name;
    };
    expect_nan("exponential", kernels::exponential);
    expect_nan("gelu", kernels::gelu);
    expect_nan("gelu_backward", kernels::gelu_backward);
    expect_nan("relu", kernels::relu);
    expect_nan("elu_plus_one", kernels::elu_plus_one);
    expect_nan("elu_plus_one_backward", kernels::elu_plus_one_backward);
  }
}

// A row of entmax with a NaN is NaN everywhere, and so is its gradient.
TEST_P(Kernels, NanScoresSpoilTheirRowOfEntmax) {
  for (const float bad : {kNan, kInfinity, -kInfinity})
    for (long at = 0; at < 37; ++at) {
      std::vector<float> z(37, 0.5f), dp(37, 1), scratch(std::size_t(kernels::entmax_scratch(37)));
      z[std::size_t(at)] = bad;
      const double shift = kernels::entmax(z.data(), 37, 0.5, scratch.data());
      EXPECT_TRUE(std::isnan(kernels::entmax_backward(z.data(), dp.data(), 37, 0.5, shift, scratch.data())));
      for (const float p : z) EXPECT_TRUE(std::isnan(p));
      for (const float slope : dp) EXPECT_TRUE(std::isnan(slope));
    }
}

// One NaN score makes the sum of its row NaN, and no other row's.
TEST_P(Kernels, NanScoresReachTheSum) {
  for (const float bad : {kNan, kInfinity})
    for (long at = 0; at < 37; ++at) {
      std::vector<float> s(2 * 37, 0.5f), max(2, -kInfinity), sum(2, 0), correction(2);
      s[std::size_t(at)] = bad;
      const std::vector<long> begin(2, 0), end(2, 37);
      kernels::attention_forward_tile({s.data(), 2, 37, 37}, begin.data(), end.data(), 1, max.data(), sum.data(),
                                      correction.data(), nullptr, 0, 0);
      EXPECT_TRUE(std::isnan(sum[0]));
      EXPECT_EQ(sum[1], 37);
    }
}

// Source: the definition of a probability. At scores of 1e9 the fused product and the rounded log Σ exp differ by up to
// 64.
TEST_P(Kernels, RecomputedProbabilitiesAreAtMostOne) {
  constexpr long kCols = 37, kRounds = 50;
  constexpr float kScale = 0.70710677f;
  const std::vector<long> begin(1, 0), end(1, kCols);
  const Random random(5, "kernels");
  for (long round = 0; round < kRounds; ++round) {
    std::vector<float> s(kCols), dp(kCols, 1), max(1, -kInfinity), sum(1, 0), correction(1), delta(1, 0);
    for (long c = 0; c < kCols; ++c) s[std::size_t(c)] = float(1e9 * random.normal(std::uint64_t(round * kCols + c)));
    std::vector<float> forward = s;
    kernels::attention_forward_tile({forward.data(), 1, kCols, kCols}, begin.data(), end.data(), kScale, max.data(),
                                    sum.data(), correction.data(), nullptr, 0, 0);
    const float lse = max[0] + std::log(sum[0]);
    kernels::attention_backward_tile({s.data(), 1, kCols, kCols}, {dp.data(), 1, kCols, kCols}, begin.data(),
                                     end.data(), kScale, &lse, delta.data(), nullptr, 0, 0);
    for (const float p : s) EXPECT_LE(p, 1);
  }
  for (const float bad : {kNan, 0.0f}) {
    std::vector<float> s(kCols, bad == 0 ? kNan : 1), dp(kCols, 1), delta(1, 0);
    kernels::attention_backward_tile({s.data(), 1, kCols, kCols}, {dp.data(), 1, kCols, kCols}, begin.data(),
                                     end.data(), kScale, &bad, delta.data(), nullptr, 0, 0);
    for (const float p : s) EXPECT_TRUE(std::isnan(p));
  }
}

// The tile and the plain kernel use the same dropout mask, on which materialized attention relies.
TEST_P(Kernels, TileAndRowDropTheSameElements) {
  const DropoutStream drop{{1, 2}, 3, 4, 20000};
  const long cols = 200, rows = 3, length = 1234;
  std::vector<float> s(rows * cols, 0), max(rows, -kInfinity), sum(rows, 0), correction(rows), row(cols, 1);
  const std::vector<long> begin(rows, 10), end(rows, cols);
  kernels::attention_forward_tile({s.data(), rows, cols, cols}, begin.data(), end.data(), 1, max.data(), sum.data(),
                                  correction.data(), &drop, 999, length);
  for (long r = 0; r < rows; ++r) {
    std::fill(row.begin(), row.end(), 1.0f);
    kernels::dropout(drop, std::uint64_t(999 + r * length), row.data(), row.data(), cols);
    std::fill(row.begin(), row.begin() + 10, 0.0f);
    EXPECT_EQ(row, std::vector<float>(s.begin() + r * cols, s.begin() + (r + 1) * cols));
  }
}

TEST_P(Kernels, SumOfSquaresHasTheSameBitsEverywhere) {
  std::vector<float> x(10007);
  const Random random(5, "kernels");
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(random.normal(i));
  const double here = kernels::sum_of_squares(x.data(), long(x.size()));
  choose(HWY_SCALAR);
  EXPECT_EQ(here, kernels::sum_of_squares(x.data(), long(x.size())));
}

// Deviations of the mask from its mean, divided by their standard deviation.
std::vector<double> centred_mask(const DropoutStream& drop, std::uint64_t first, long n) {
  std::vector<float> x(std::size_t(n), 1);
  kernels::dropout(drop, first, x.data(), x.data(), n);
  const double share = 1 - drop.threshold / 65536.0, spread = std::sqrt(share * (1 - share));
  std::vector<double> mask(x.size());
  std::ranges::transform(x, mask.begin(), [&](float v) { return ((v != 0) - share) / spread; });
  return mask;
}

double mean_product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / double(a.size());
}

// Each bound is five standard errors of a mean of n independent terms of unit variance.
TEST(Dropout, MasksAreUncorrelated) {
  const long n = 1 << 18;
  const Random site(1, "dropout", "encoder.0"), other(1, "dropout", "encoder.1");
  for (const std::uint32_t threshold : {6554u, 32768u}) {
    const std::vector<double> base = centred_mask({site.key(), 10, 20, threshold}, 0, n), ones(std::size_t(n), 1);
    const double bound = 5 / std::sqrt(double(n));
    EXPECT_LT(std::abs(mean_product(base, ones)), bound) << "share kept";
    EXPECT_LT(std::abs(mean_product(base, centred_mask({other.key(), 10, 20, threshold}, 0, n))), bound) << "sites";
    EXPECT_LT(std::abs(mean_product(base, centred_mask({site.key(), 11, 20, threshold}, 0, n))), bound) << "steps";
    EXPECT_LT(std::abs(mean_product(base, centred_mask({site.key(), 10, 21, threshold}, 0, n))), bound) << "examples";
    EXPECT_LT(std::abs(mean_product(base, centred_mask({site.key(), 20, 10, threshold}, 0, n))), bound) << "swapped";
    for (const std::uint64_t shift : {1, 2, 4, 16, 32, 64, 128, 1024})
      EXPECT_LT(std::abs(mean_product(base, centred_mask({site.key(), 10, 20, threshold}, shift, n))), bound) << shift;
  }
}

// The start of a run does not change the dropout of an element.
TEST(Dropout, DependsOnTheElementAlone) {
  const DropoutStream drop{{8, 9}, 1, 2, 30000};
  std::vector<float> whole(3000, 1), part(500, 1);
  kernels::dropout(drop, 0, whole.data(), whole.data(), 3000);
  for (const long first : {1, 15, 64, 127, 128, 1000, 2500}) {
    std::fill(part.begin(), part.end(), 1.0f);
    kernels::dropout(drop, std::uint64_t(first), part.data(), part.data(), 500);
    EXPECT_EQ(part, std::vector<float>(whole.begin() + first, whole.begin() + first + 500));
  }
}

}  // namespace
}  // namespace lra
