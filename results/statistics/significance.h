/// Whether one model is better than another: tests on pairs, never on single scores.
///
/// Two questions are kept apart. *These two trained networks*: McNemar's test on the examples both were asked. *These
/// two models*, that is what training them again would give: tests on the differences of runs that share a seed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "results/statistics/statistics.h"

namespace lra {

/// Two networks on one test split: how many examples only the first, only the second had right, of how many.
struct Discordance {
  long only_first = 0, only_second = 0, examples = 0;
};

/// Exact two-sided p that the discordant examples fall as a fair coin would: Q. McNemar, Psychometrika 12, 1947. 1 when
/// there are none.
double mcnemar_exact(long only_first, long only_second);

/// The most differences whose sign flips are all tried; with more, a fixed random sample of flips stands for them.
inline constexpr std::size_t kMostExactFlips = 20;

/// Two-sided p of the mean difference under flips of each sign (R. A. Fisher, "The Design of Experiments", 1935, §21):
/// the share of all 2^n patterns whose sum is at least as far from 0. Requires at least one difference.
double sign_flip_p(std::span<const double> differences);

/// The least p that sign_flip_p can give for n differences, 2^(1 − n).
double smallest_sign_flip_p(std::size_t n);

/// Student's paired test and its 95 % interval of the mean difference.
struct PairedT {
  double p = 1;
  Interval interval;
};

/// `resolution` is what one example more is worth: a deviation smaller than the rounding to whole examples, resolution
/// / √6, counts as that much, so that two seeds that agree by luck prove nothing. Requires at least two differences.
PairedT paired_t(std::span<const double> differences, double resolution);

/// p adjusted for being one of several: S. Holm, Scandinavian Journal of Statistics 6, 1979. NaN stays NaN and does not
/// count.
std::vector<double> holm(std::span<const double> p);

/// 95 % percentile interval of the mean difference over seeds and examples: seeds are drawn with replacement, then the
/// examples of each drawn seed, which comes to a multinomial draw of its three kinds. The same arguments give the same
/// interval. Requires at least one seed with examples, replicates ≥ 40.
Interval bootstrap_difference(std::span<const Discordance> seeds, long replicates);

/// The least true difference that n paired seeds with this deviation of differences show with 80 % power at p < 0.05:
/// (t(0.975) + t(0.8)) · sd / √n. Requires n ≥ 2.
double detectable_difference(double deviation, std::size_t n);

}  // namespace lra
