#include "results/statistics/significance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lra {
namespace {

TEST(Significance, McNemarIsTwiceTheBinomialTail) {
  // 2 · Σ_{i ≤ min} C(n, i) / 2ⁿ: (10, 2): 2 (1 + 12 + 66) / 4096; (0, 5): 2 / 32.
  EXPECT_NEAR(mcnemar_exact_p(10, 2), 158.0 / 4096, 1e-14);
  EXPECT_NEAR(mcnemar_exact_p(0, 5), 2.0 / 32, 1e-15);
  // The exact integer sums (180 and 560 bits), evaluated by a separate program.
  EXPECT_NEAR(mcnemar_exact_p(121, 59), 4.434449263755176e-06, 1e-15);
  EXPECT_NEAR(mcnemar_exact_p(300, 260), 0.09925587005739657, 1e-12);
  EXPECT_EQ(mcnemar_exact_p(59, 121), mcnemar_exact_p(121, 59));
  EXPECT_EQ(mcnemar_exact_p(7, 7), 1);
  EXPECT_EQ(mcnemar_exact_p(0, 0), 1);
  EXPECT_EQ(mcnemar_exact_p(1, 0), 1);  // 2 · 1/2
}

TEST(Significance, SignFlipsCountPatterns) {
  // With all six of one sign, only the pattern itself and its negative are as far from 0: 2 / 64.
  EXPECT_EQ(sign_flip_p(std::vector<double>{1, 2, 3, 4, 5, 6}), 2.0 / 64);
  // Flipping the −0.005 increases the sum, so 2 patterns and their negatives reach it: 4 / 64.
  EXPECT_EQ(sign_flip_p(std::vector<double>{0.02, 0.01, -0.005, 0.03, 0.015, 0.025}), 4.0 / 64);
  // |Σ| = 13 for {3, 1, 2, 4, 1, 2, 1, 5}: 34 of 256 patterns reach it, counted by a separate three-line program.
  EXPECT_EQ(sign_flip_p(std::vector<double>{3, 1, -2, 4, 1, 2, -1, 5}), 34.0 / 256);
  EXPECT_EQ(sign_flip_p(std::vector<double>{0.1, -0.1}), 1);
  EXPECT_EQ(sign_flip_p(std::vector<double>{0, 0, 0, 0, 0, 0, 0}), 1);
}

TEST(Significance, SixSeedsAreTheFewestForAPermutation) {
  EXPECT_GE(smallest_sign_flip_p(5), 0.05);
  EXPECT_EQ(smallest_sign_flip_p(6), 0.03125);
}

TEST(Significance, ManySeedsAreSampled) {
  // 24 of one sign: exactly 2 / 2^24, far below 1 / 10,000, the smallest p that 9,999 samples can give.
  EXPECT_NEAR(sign_flip_p(std::vector<double>(24, 0.5)), 1e-4, 1e-12);
  // Alternating signs: the sum is 0, so every pattern is at least as far from 0.
  std::vector<double> even;
  even.reserve(24);
  for (int i = 0; i < 24; ++i) even.push_back(i % 2 ? 1 : -1);
  EXPECT_EQ(sign_flip_p(even), 1);
  // The sum of 25 steps of ±1 is 7. P(|S| ≥ 7) by the normal approximation with continuity correction (S is odd):
  // 2 (1 − Φ(6 / 5)) = 0.2301.
  std::vector<double> walk(25, 1.0);
  for (int i = 0; i < 9; ++i) walk[static_cast<std::size_t>(i)] = -1;
  EXPECT_NEAR(sign_flip_p(walk), 0.2301, 0.015);
}

TEST(Significance, PairedTInClosedForm) {
  // Differences of five seeds: mean 0.0206, t = 4.405976…; with four degrees of freedom the two-sided p is
  // 1 − x (3 − x²) / 2 where x = t / √(4 + t²).
  const PairedT test = paired_t(std::vector<double>{0.021, 0.013, 0.034, 0.008, 0.027}, 1e-4);
  EXPECT_NEAR(test.p, 0.011636958444825374, 1e-12);
  EXPECT_NEAR(test.interval.low, 0.0206 - 2.7764451 * 0.010454664030948102 / std::sqrt(5), 1e-9);
  EXPECT_NEAR(test.interval.high, 0.0206 + 2.7764451 * 0.010454664030948102 / std::sqrt(5), 1e-9);
}

TEST(Significance, TwoSeedsThatHappenToAgreeAreNotSignificant) {
  // Two seeds that both differ by one example of 100: sd is raised to 0.01 / √6, so t = 0.01 √2 √6 / 0.01 = √12. With
  // one degree of freedom p = 1 − (2/π) atan t.
  const PairedT test = paired_t(std::vector<double>{0.01, 0.01}, 0.01);
  EXPECT_NEAR(test.p, 1 - 2 / std::acos(-1.0) * std::atan(std::sqrt(12.0)), 1e-12);
  EXPECT_GT(test.p, 0.05);
  EXPECT_EQ(paired_t(std::vector<double>{0, 0}, 0.01).p, 1);
}

TEST(Significance, HolmsStepDown) {
  // Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 is 0.04, 0.06, 0.06, 0.04; made monotone: 0.04, 0.06, 0.06, 0.06.
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  const auto adjusted = holm_adjusted(std::vector<double>{0.04, 0.01, nothing, 0.03, 0.02});
  EXPECT_NEAR(adjusted[0], 0.06, 1e-15);
  EXPECT_NEAR(adjusted[1], 0.04, 1e-15);
  EXPECT_TRUE(std::isnan(adjusted[2]));
  EXPECT_NEAR(adjusted[3], 0.06, 1e-15);
  EXPECT_NEAR(adjusted[4], 0.06, 1e-15);
  EXPECT_EQ(holm_adjusted(std::vector<double>{0.9, 0.8})[1], 1);
}

TEST(Significance, BootstrapOfOneSeedIsTheSpreadOfItsExamples) {
  // (120 − 80) / 1,000: mean 0.04, variance per example 0.2 − 0.04² = 0.1984, so ± 1.96 √(0.1984 / 1000) = ± 0.0276.
  const std::vector<Discordance> one{{120, 80, 1000}};
  const Interval interval = bootstrap_difference(one, 4000);
  EXPECT_NEAR(interval.low, 0.04 - 0.0276, 0.0015);
  EXPECT_NEAR(interval.high, 0.04 + 0.0276, 0.0015);
  EXPECT_EQ(bootstrap_difference(one, 4000).low, interval.low) << "the same every time";
}

TEST(Significance, BootstrapHasTheSpreadOfSeedsAndOfExamples) {
  // Eight seeds whose differences alternate between 0 and 0.1: the seeds give their mean the variance 0.05² / 8, the
  // examples the mean over seeds of (share − difference²) / 1000 / 8. The standard error is √(3.125e-4 + 2.4e-5).
  std::vector<Discordance> seeds;
  seeds.reserve(8);
  for (int i = 0; i < 8; ++i) seeds.push_back(i % 2 ? Discordance{100, 100, 1000} : Discordance{150, 50, 1000});
  const double examples = (0.5 * 0.2 + 0.5 * (0.2 - 0.01)) / 1000 / 8;
  const double error = std::sqrt(0.05 * 0.05 / 8 + examples);
  const Interval interval = bootstrap_difference(seeds, 4000);
  EXPECT_NEAR(interval.low, 0.05 - 1.96 * error, 0.004);
  EXPECT_NEAR(interval.high, 0.05 + 1.96 * error, 0.004);
}

TEST(Significance, BootstrapWithoutDiscordantExamplesIsAPoint) {
  const Interval interval = bootstrap_difference(std::vector<Discordance>{{0, 0, 10}, {0, 0, 10}}, 100);
  EXPECT_EQ(interval.low, 0);
  EXPECT_EQ(interval.high, 0);
}

TEST(Significance, DetectableDifferenceAgreesWithPrintedQuantiles) {
  // Ten seeds: t(0.975; 9) = 2.262, t(0.8; 9) = 0.883 from the usual table.
  EXPECT_NEAR(detectable_difference(0.02, 10), (2.262 + 0.883) * 0.02 / std::sqrt(10), 2e-5);
}

}  // namespace
}  // namespace lra
