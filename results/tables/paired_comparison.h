/// Two table cells compared seed by seed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "results/statistics/significance.h"
#include "results/store/record.h"

namespace lra {

/// Below this many common seeds a permutation cannot reach p < 0.05, and Student's t decides.
inline constexpr std::size_t kPermutationSeeds = 6;
inline constexpr double kSignificant = 0.05;

/// Two sets of runs on the same test split: first minus second.
struct PairedComparison {
  std::vector<std::uint64_t> seeds;                    // that both have, ascending
  std::vector<std::uint64_t> only_first, only_second;  // without a partner, ascending: left out of all that follows
  double first_mean = 0, second_mean = 0;              // accuracies over common seeds
  std::vector<double> differences;                     // of accuracy, one a common seed
  std::vector<Discordance> discordances;               // one a common seed; empty unless all predictions are stored
  double difference = 0;                               // mean over common seeds: first_mean minus second_mean
  std::vector<double> network_p;                       // McNemar's, one a common seed; as discordances
  double p = 0;               // of the models; NaN with fewer than two common seeds: nothing can be said
  double adjusted = 0;        // Holm, over the table this is part of; NaN as p
  std::string method;         // "permutation" | "t" | ""
  Interval interval;          // t with fewer than 6 seeds, else the bootstrap; without predictions, t
  std::string interval_kind;  // "t" | "bootstrap" | ""
  double deviation = 0;       // of the differences

  bool significant() const { return adjusted < kSignificant; }
};

/// Pairs the runs by seed. `correct_examples` as of Store::correct_examples; `replicates` of the bootstrap, 0 for none
/// (the interval is t then). `adjusted` is p until adjust() is called.
PairedComparison compare_paired(const std::vector<const StoredRun*>& first, const std::vector<const StoredRun*>& second,
                                const std::map<long, CorrectExamples>& correct_examples, long replicates);

/// Corrects for all of them being tested together.
void adjust(const std::vector<PairedComparison*>& family);

/// Seeds with which a permutation of n seeds could be significant among `tests` comparisons, by Holm's first step.
std::size_t seeds_needed(std::size_t tests);

/// How much the comparisons of a table rest on.
struct Evidence {
  std::size_t comparisons = 0;   // all of them
  std::size_t tests = 0;         // with two common seeds or more: those that Holm's correction is for
  std::size_t fewest_seeds = 0;  // of those tests, common to both; 0 without one
  bool many_seeds = false;       // some side has more than one, common or not
};
Evidence evidence_of(const std::vector<const PairedComparison*>& comparisons);

/// What this evidence cannot show: "With one seed nothing is significant …", "4 seeds cannot reach p < 0.05 by
/// permutation …"; empty when there is nothing to add or to compare.
std::string seeds_caveat(const Evidence& evidence);

/// Seeds as `--seeds` takes them: "0..2,7".
std::string seed_list(const std::vector<std::uint64_t>& seeds);

}  // namespace lra
