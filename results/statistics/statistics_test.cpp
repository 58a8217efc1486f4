#include "results/statistics/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace lra {
namespace {

TEST(Statistics, MeanAndSampleDeviation) {
  // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squared deviations 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32, over 7.
  const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_DOUBLE_EQ(mean(values), 5);
  EXPECT_DOUBLE_EQ(standard_deviation(values), std::sqrt(32.0 / 7));
  EXPECT_EQ(standard_deviation(std::vector<double>{3}), 0);
}

TEST(Statistics, WilsonIntervalAgreesWithNewcombesExamples) {
  // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998,
  // table I, the score method without continuity correction.
  struct Example {
    long correct, examples;
    double low, high;
  };
  for (const auto& [correct, examples, low, high] : {Example{81, 263, 0.2553, 0.3662}, Example{15, 148, 0.0624, 0.1605},
                                                     Example{0, 20, 0.0, 0.1611}, Example{1, 29, 0.0061, 0.1718}}) {
    const Interval interval = wilson_interval(correct, examples);
    EXPECT_NEAR(interval.low, low, 5e-5) << correct << '/' << examples;
    EXPECT_NEAR(interval.high, high, 5e-5) << correct << '/' << examples;
  }
}

TEST(Statistics, WilsonIntervalSolvesItsEquation) {
  // The ends are the p with |p̂ − p| = z √(p (1 − p) / n).
  for (const long correct : {1L, 400L, 637L, 999L}) {
    const double n = 1000, share = static_cast<double>(correct) / n;
    const Interval interval = wilson_interval(correct, 1000);
    for (const double p : {interval.low, interval.high})
      EXPECT_NEAR(std::abs(share - p), 1.959963984540054 * std::sqrt(p * (1 - p) / n), 1e-12);
  }
}

TEST(Statistics, WilsonIntervalAtZeroAndAllCorrect) {
  EXPECT_EQ(wilson_interval(0, 10).low, 0);
  EXPECT_EQ(wilson_interval(10, 10).high, 1);
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

TEST(Statistics, StudentQuantilesAgreeWithThePrintedTable) {
  // Two-sided 95 % (p = 0.975), 90 % and 99 % columns of the usual table.
  struct Entry {
    double p, freedom, t;
  };
  for (const auto& [p, freedom, t] :
       {Entry{0.975, 1, 12.706}, Entry{0.975, 2, 4.303}, Entry{0.975, 3, 3.182}, Entry{0.975, 4, 2.776},
        Entry{0.975, 5, 2.571}, Entry{0.975, 9, 2.262}, Entry{0.975, 30, 2.042}, Entry{0.975, 120, 1.980},
        Entry{0.95, 1, 6.314}, Entry{0.95, 10, 1.812}, Entry{0.995, 10, 3.169}, Entry{0.025, 4, -2.776}})
    EXPECT_NEAR(student_t_quantile(p, freedom), t, 5e-4) << "p " << p << ", freedom " << freedom;
}

TEST(Statistics, StudentQuantilesInClosedForm) {
  for (const double p : {0.6, 0.9, 0.975, 0.9995}) {
    // With one degree of freedom it is the Cauchy distribution; with two, its CDF is 1/2 + t / (2 √(2 + t²)).
    const double cauchy = std::tan(std::numbers::pi * (p - 0.5)), q = 2 * p - 1;
    EXPECT_NEAR(student_t_quantile(p, 1) / cauchy, 1, 1e-12);
    EXPECT_NEAR(student_t_quantile(p, 2), q * std::sqrt(2 / (1 - q * q)), 1e-10);
  }
  EXPECT_NEAR(student_t_quantile(0.975, 1e7), 1.959963984540054, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.5, 3), 0, 1e-12);
}

TEST(Statistics, IncompleteBetaInClosedForm) {
  for (const double x : {0.0, 0.1, 0.5, 0.93, 1.0}) {
    EXPECT_NEAR(incomplete_beta(1, 1, x), x, 1e-14);
    EXPECT_NEAR(incomplete_beta(3, 1, x), x * x * x, 1e-14);
    EXPECT_NEAR(incomplete_beta(1, 4, x), 1 - std::pow(1 - x, 4), 1e-14);
    EXPECT_NEAR(incomplete_beta(2, 2, x), x * x * (3 - 2 * x), 1e-14);
    EXPECT_NEAR(incomplete_beta(0.5, 0.5, x), 2 / std::numbers::pi * std::asin(std::sqrt(x)), 1e-14);
  }
}

TEST(Statistics, TIntervalOfThreeSeeds) {
  // Mean 0.4, deviation 0.02, t(0.975; 2) = 4.30265: half width 4.30265 · 0.02 / √3 = 0.049683.
  const std::vector<double> seeds{0.38, 0.40, 0.42};
  const Interval interval = t_interval(seeds);
  EXPECT_NEAR(interval.low, 0.350317, 1e-6);
  EXPECT_NEAR(interval.high, 0.449683, 1e-6);
}

}  // namespace
}  // namespace lra
