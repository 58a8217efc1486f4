#include "results/statistics/significance.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/random.h"

namespace lra {
namespace {

/// Enumerates the sign patterns with the first sign fixed, in Gray code order, so that successive sums differ in one
/// term. The other half of the patterns are their negatives.
double exact_flips(std::span<const double> differences, double observed) {
  const std::uint64_t patterns = std::uint64_t{1} << (differences.size() - 1);
  std::vector<double> terms(differences.begin(), differences.end());
  double sum = std::accumulate(terms.begin(), terms.end(), 0.0);
  std::uint64_t as_far = 0;
  for (std::uint64_t i = 1;; ++i) {
    as_far += std::abs(sum) >= observed;
    if (i == patterns) break;
    double& term = terms[static_cast<std::size_t>(std::countr_zero(i)) + 1];
    sum -= 2 * term;
    term = -term;
  }
  return static_cast<double>(as_far) / static_cast<double>(patterns);
}

/// The sums of up to eight differences under each of the 256 sign patterns; missing differences are 0.
std::array<double, 256> sums_of_patterns(std::span<const double> differences) {
  std::array<double, 256> sums{};
  for (std::size_t pattern = 0; pattern < sums.size(); ++pattern)
    for (std::size_t i = 0; i < differences.size(); ++i)
      sums[pattern] += pattern >> i & 1 ? differences[i] : -differences[i];
  return sums;
}

double sampled_flips(std::span<const double> differences, double observed) {
  constexpr std::uint32_t kSamples = 9'999;
  constexpr std::size_t kGroupSize = 8, kGroupsPerWord = 4;
  std::vector<std::array<double, 256>> sums;
  for (std::size_t i = 0; i < differences.size(); i += kGroupSize)
    sums.push_back(sums_of_patterns(differences.subspan(i, std::min(kGroupSize, differences.size() - i))));
  const Random random(0, "sign flips");
  std::uint32_t as_far = 1;  // the observed pattern counts as a sample
  for (std::uint32_t sample = 0; sample < kSamples; ++sample) {
    const Random draw = random.at(sample, 0);
    double sum = 0;
    std::uint32_t bits = 0;
    for (std::size_t group = 0; group < sums.size(); ++group, bits >>= kGroupSize) {
      if (group % kGroupsPerWord == 0) bits = draw.bits(group / kGroupsPerWord);
      sum += sums[group][bits & 255];
    }
    as_far += std::abs(sum) >= observed;
  }
  return static_cast<double>(as_far) / (kSamples + 1.0);
}

/// A sample from the binomial distribution of n trials with probability p, by inversion from the mode outwards.
/// `uniform` is in [0, 1).
long sample_binomial(long n, double p, double uniform) {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  const double size = static_cast<double>(n), odds = p / (1 - p);
  const long mode = std::min(n, static_cast<long>((size + 1) * p));
  const double m = static_cast<double>(mode);
  const double top = std::exp(std::lgamma(size + 1) - std::lgamma(m + 1) - std::lgamma(size - m + 1) + m * std::log(p) +
                              (size - m) * std::log1p(-p));
  double left = uniform - top, above = top, below = top;
  for (long up = mode, down = mode; left > 0 && (up < n || down > 0);) {
    if (up < n) {
      above *= odds * static_cast<double>(n - up) / static_cast<double>(up + 1);
      ++up;
      if ((left -= above) <= 0) return up;
    }
    if (down > 0) {
      below *= static_cast<double>(down) / (odds * static_cast<double>(n - down + 1));
      --down;
      if ((left -= below) <= 0) return down;
    }
  }
  return mode;
}

double resampled_difference(const Discordance& seed, double first, double second) {
  const long discordant = seed.only_first + seed.only_second;
  if (discordant == 0) return 0;
  const double examples = static_cast<double>(seed.examples), differing = static_cast<double>(discordant);
  const long drawn = sample_binomial(seed.examples, differing / examples, first);
  const long to_first = sample_binomial(drawn, static_cast<double>(seed.only_first) / differing, second);
  return static_cast<double>(2 * to_first - drawn) / examples;
}

/// The quantile of the sorted values, interpolated linearly.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double rest = place - static_cast<double>(below);
  return below + 1 < sorted.size() ? sorted[below] + rest * (sorted[below + 1] - sorted[below]) : sorted.back();
}

}  // namespace

double mcnemar_exact_p(long only_first, long only_second) {
  const long fewer = std::min(only_first, only_second), all = only_first + only_second;
  if (2 * fewer == all) return 1;
  // For n fair coin flips, P(X ≤ k) = I_½(n − k, k + 1).
  return std::min(1.0, 2 * incomplete_beta(static_cast<double>(all - fewer), static_cast<double>(fewer + 1), 0.5));
}

double sign_flip_p(std::span<const double> differences) {
  double sum = 0, size = 0;
  for (const double d : differences) sum += d, size += std::abs(d);
  const double observed = std::abs(sum) - 1e-12 * size;  // tolerance: the order of summation changes the rounding
  return differences.size() <= kMaxExactDifferences ? exact_flips(differences, observed)
                                                    : sampled_flips(differences, observed);
}

double smallest_sign_flip_p(std::size_t n) { return std::ldexp(1.0, 1 - static_cast<int>(n)); }

PairedT paired_t(std::span<const double> differences, double resolution) {
  const double n = static_cast<double>(differences.size()), freedom = n - 1, centre = mean(differences);
  const double error = std::max(standard_deviation(differences), resolution / std::sqrt(6.0)) / std::sqrt(n);
  const double half = student_t_quantile(0.975, freedom) * error;
  const double t = error > 0 ? std::abs(centre) / error : centre == 0 ? 0 : std::numeric_limits<double>::infinity();
  return {std::isinf(t) ? 0 : incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)),
          {centre - half, centre + half}};
}

std::vector<double> holm_adjusted(std::span<const double> p) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!std::isnan(p[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.begin(), p.end());
  double highest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    highest = std::max(highest, static_cast<double>(order.size() - rank) * p[order[rank]]);
    adjusted[order[rank]] = std::min(1.0, highest);
  }
  return adjusted;
}

Interval bootstrap_difference(std::span<const Discordance> seeds, long replicates) {
  const Random random(0, "bootstrap");
  const auto count = static_cast<std::uint32_t>(seeds.size());
  std::vector<double> means(static_cast<std::size_t>(replicates));
  for (std::size_t r = 0; r < means.size(); ++r) {
    const Random draw = random.at(static_cast<std::uint32_t>(r), 0);
    double sum = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t first = 8 * std::uint64_t{i};  // index into the stream; a uniform takes two elements
      sum += resampled_difference(seeds[draw.below(count, first)], draw.uniform(first / 2 + 1),
                                  draw.uniform(first / 2 + 2));
    }
    means[r] = sum / count;
  }
  std::sort(means.begin(), means.end());
  return {quantile(means, 0.025), quantile(means, 0.975)};
}

double detectable_difference(double deviation, std::size_t n) {
  const double freedom = static_cast<double>(n) - 1;
  return (student_t_quantile(0.975, freedom) + student_t_quantile(0.8, freedom)) * deviation /
         std::sqrt(static_cast<double>(n));
}

}  // namespace lra
