#include "results/tables/paired_comparison.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace lra {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

Discordance discordance(const CorrectExamples& first, const CorrectExamples& second) {
  Discordance counts{0, 0, first.examples};
  for (std::size_t i = 0; i < first.bits.size(); ++i) {
    counts.only_first += std::popcount(static_cast<unsigned>(first.bits[i] & ~second.bits[i] & 0xff));
    counts.only_second += std::popcount(static_cast<unsigned>(second.bits[i] & ~first.bits[i] & 0xff));
  }
  return counts;
}

/// The discordance of each pair; empty unless all predictions are stored and have equal lengths.
std::vector<Discordance> discordances(const std::vector<std::pair<const StoredRun*, const StoredRun*>>& pairs,
                                      const std::map<long, CorrectExamples>& correct_examples) {
  std::vector<Discordance> all;
  for (const auto& [a, b] : pairs) {
    const auto first = correct_examples.find(a->id), second = correct_examples.find(b->id);
    if (first == correct_examples.end() || second == correct_examples.end() ||
        first->second.examples != second->second.examples)
      return {};
    all.push_back(discordance(first->second, second->second));
  }
  return all;
}

void test_models(PairedComparison& comparison, double resolution, long replicates) {
  const PairedT student = paired_t(comparison.differences, resolution);
  comparison.interval = student.interval, comparison.interval_kind = "t";
  if (comparison.differences.size() < kPermutationSeeds) {
    comparison.p = student.p, comparison.method = "t";
    return;
  }
  comparison.p = sign_flip_p(comparison.differences), comparison.method = "permutation";
  if (comparison.discordances.empty() || replicates == 0) return;
  comparison.interval = bootstrap_difference(comparison.discordances, replicates),
  comparison.interval_kind = "bootstrap";
}

}  // namespace

PairedComparison compare_paired(const std::vector<const StoredRun*>& first, const std::vector<const StoredRun*>& second,
                                const std::map<long, CorrectExamples>& correct_examples, long replicates) {
  std::map<std::uint64_t, const StoredRun*> ours, theirs;
  for (const StoredRun* run : first) ours[run->seed] = run;
  for (const StoredRun* run : second) theirs[run->seed] = run;

  PairedComparison result;
  std::vector<std::pair<const StoredRun*, const StoredRun*>> pairs;
  for (const auto& [seed, run] : ours) {
    const auto partner = theirs.find(seed);
    if (partner == theirs.end()) {
      result.only_first.push_back(seed);
      continue;
    }
    result.seeds.push_back(seed);
    result.differences.push_back(accuracy(*run) - accuracy(*partner->second));
    pairs.emplace_back(run, partner->second);
  }
  for (const auto& [seed, run] : theirs)
    if (!ours.count(seed)) result.only_second.push_back(seed);
  for (const auto& [a, b] : pairs) {
    result.first_mean += accuracy(*a) / static_cast<double>(pairs.size());
    result.second_mean += accuracy(*b) / static_cast<double>(pairs.size());
  }
  result.discordances = discordances(pairs, correct_examples);
  for (const Discordance& d : result.discordances)
    result.network_p.push_back(mcnemar_exact_p(d.only_first, d.only_second));
  result.p = kNothing;
  if (!pairs.empty()) result.difference = mean(result.differences);
  result.deviation = standard_deviation(result.differences);
  if (pairs.size() > 1) test_models(result, 1.0 / static_cast<double>(pairs.front().first->test_examples), replicates);
  result.adjusted = result.p;
  return result;
}

void adjust(const std::vector<PairedComparison*>& family) {
  std::vector<double> p;
  p.reserve(family.size());
  for (const PairedComparison* member : family) p.push_back(member->p);
  const std::vector<double> adjusted = holm_adjusted(p);
  for (std::size_t i = 0; i < family.size(); ++i) family[i]->adjusted = adjusted[i];
}

std::size_t seeds_needed(std::size_t tests) {
  std::size_t n = kPermutationSeeds;
  while (static_cast<double>(tests) * smallest_sign_flip_p(n) >= kSignificant) ++n;
  return n;
}

Evidence evidence_of(const std::vector<const PairedComparison*>& comparisons) {
  Evidence evidence;
  evidence.comparisons = comparisons.size();
  for (const PairedComparison* comparison : comparisons) {
    const std::size_t seeds = comparison->seeds.size();
    evidence.many_seeds =
        evidence.many_seeds || seeds + comparison->only_first.size() > 1 || seeds + comparison->only_second.size() > 1;
    if (seeds < 2) continue;
    evidence.fewest_seeds = evidence.tests ? std::min(evidence.fewest_seeds, seeds) : seeds;
    ++evidence.tests;
  }
  return evidence;
}

std::string seeds_caveat(const Evidence& evidence) {
  const auto [comparisons, tests, seeds, many] = evidence;
  if (comparisons == 0) return {};
  if (tests == 0 && many)
    return "No two seeds are common to the compared models, so nothing is significant: run all with the same "
           "`--seeds`.";
  if (tests == 0) return "With one seed nothing is significant: run more, `--seeds 0..5`.";
  std::string caveat;
  if (tests < comparisons)
    caveat = fmt::format("{} of {} comparisons have fewer than two common seeds and are not tested. ",
                         comparisons - tests, comparisons);
  if (seeds < kPermutationSeeds)
    caveat += fmt::format(
        "{} seeds cannot reach p < 0.05 by permutation, so Student's t-test on the differences per seed decides.",
        seeds);
  else if (seeds < seeds_needed(tests))
    caveat += fmt::format("{} seeds cannot reach p < 0.05 by permutation after Holm's correction for {} tests; {} can.",
                          seeds, tests, seeds_needed(tests));
  return caveat.ends_with(' ') ? caveat.substr(0, caveat.size() - 1) : caveat;
}

std::string seed_list(const std::vector<std::uint64_t>& seeds) {
  std::string text;
  for (std::size_t i = 0; i < seeds.size();) {
    std::size_t end = i + 1;
    while (end < seeds.size() && seeds[end] == seeds[end - 1] + 1) ++end;
    text += text.empty() ? "" : ",";
    text += end - i > 1 ? fmt::format("{}..{}", seeds[i], seeds[end - 1]) : std::to_string(seeds[i]);
    i = end;
  }
  return text;
}

}  // namespace lra
