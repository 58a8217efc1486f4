/// Paired significance tests for comparing two models.
///
/// There are two separate questions. Do *these two trained networks* differ? McNemar's test on the test examples
/// answers that. Would *these two models* differ if both were trained again? Tests on the differences between runs that
/// share a seed answer that.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "results/statistics/statistics.h"

namespace lra {

/// Two networks on one test split: the number of examples that only the first classified correctly, that only the
/// second did, and that the split has.
struct Discordance {
  long only_first = 0, only_second = 0, examples = 0;
};

/// The exact two-sided p of McNemar's test: under the null hypothesis a discordant example favours either network with
/// probability 1/2. Q. McNemar, Psychometrika 12, 1947. Returns 1 when no example is discordant.
double mcnemar_exact_p(long only_first, long only_second);

/// Up to this many differences, sign_flip_p enumerates all sign patterns; above it, it uses a fixed random sample.
inline constexpr std::size_t kMaxExactDifferences = 20;

/// The two-sided p of the mean difference in the sign-flip permutation test (R. A. Fisher, "The Design of Experiments",
/// 1935, §21): the share of all 2^n sign patterns whose sum is at least as far from 0. Requires at least one
/// difference.
double sign_flip_p(std::span<const double> differences);

/// The smallest p that sign_flip_p can return for n differences, 2^(1 − n).
double smallest_sign_flip_p(std::size_t n);

/// The result of Student's paired t-test: the two-sided p and the 95 % interval of the mean difference.
struct PairedT {
  double p = 1;
  Interval interval;
};

/// `resolution` is the accuracy that one test example is worth. Rounding to whole examples alone gives differences a
/// deviation of resolution / √6; a smaller measured deviation is raised to that, so that two seeds that happen to agree
/// are not significant. Requires at least two differences.
PairedT paired_t(std::span<const double> differences, double resolution);

/// The p-values after Holm's correction for multiple tests: S. Holm, Scandinavian Journal of Statistics 6, 1979. A NaN
/// stays NaN and does not count as a test.
std::vector<double> holm_adjusted(std::span<const double> p);

/// The 95 % percentile bootstrap interval of the mean difference over seeds and examples. Each replicate resamples the
/// seeds with replacement, then the examples of each sampled seed, which is a multinomial sample of the three kinds
/// (only the first correct, only the second, the rest). Deterministic. Requires at least one seed with examples and
/// replicates ≥ 40.
Interval bootstrap_difference(std::span<const Discordance> seeds, long replicates);

/// The smallest true difference that a test on n paired seeds detects with 80 % power at p < 0.05, given the standard
/// deviation of the differences: (t(0.975) + t(0.8)) · deviation / √n. Requires n ≥ 2.
double detectable_difference(double deviation, std::size_t n);

}  // namespace lra
