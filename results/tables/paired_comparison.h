/// Compares two table cells seed by seed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "results/statistics/significance.h"
#include "results/store/record.h"

namespace lra {

/// With fewer common seeds than this, the permutation test cannot reach p < 0.05, and Student's t-test is used.
inline constexpr std::size_t kPermutationSeeds = 6;
inline constexpr double kSignificant = 0.05;

/// The difference between two sets of runs on the same test split, first minus second.
struct PairedComparison {
  std::vector<std::uint64_t> seeds;                    // common seeds, ascending
  std::vector<std::uint64_t> only_first, only_second;  // seeds without a partner, ascending, not used below
  double first_mean = 0, second_mean = 0;              // mean accuracies over common seeds
  std::vector<double> differences;                     // of accuracy, one per common seed
  std::vector<Discordance> discordances;               // one per common seed; empty unless all predictions are stored
  double difference = 0;                               // mean over common seeds: first_mean minus second_mean
  std::vector<double> network_p;                       // McNemar's, one per common seed; empty when `discordances` is
  double p = 0;                                        // for the models; NaN with fewer than two common seeds
  double adjusted = 0;                                 // p after Holm's correction over the table; NaN when p is
  std::string method;                                  // "permutation" | "t" | ""
  Interval interval;          // of the difference: bootstrap with 6 or more seeds and predictions, otherwise t
  std::string interval_kind;  // "t" | "bootstrap" | ""
  double deviation = 0;       // standard deviation of the differences

  bool significant() const { return adjusted < kSignificant; }
};

/// Pairs the runs by seed and compares them. `correct_examples` is Store::correct_examples(). `replicates` is the
/// number of bootstrap replicates; with 0 the interval is always t. `adjusted` equals p until adjust() is called.
PairedComparison compare_paired(const std::vector<const StoredRun*>& first, const std::vector<const StoredRun*>& second,
                                const std::map<long, CorrectExamples>& correct_examples, long replicates);

/// Sets `adjusted` of each comparison to its p after Holm's correction over the family.
void adjust(const std::vector<PairedComparison*>& family);

/// The fewest seeds with which the permutation test can be significant among `tests` comparisons, by Holm's first step.
std::size_t seeds_needed(std::size_t tests);

/// The numbers of comparisons and seeds behind a table.
struct Evidence {
  std::size_t comparisons = 0;   // all comparisons
  std::size_t tests = 0;         // comparisons with at least two common seeds, over which Holm corrects
  std::size_t fewest_seeds = 0;  // the fewest common seeds of a test; 0 without tests
  bool many_seeds = false;       // whether some side has more than one seed, common or not
};
Evidence evidence_of(const std::vector<const PairedComparison*>& comparisons);

/// The limits of this evidence: "With one seed nothing is significant …", "4 seeds cannot reach p < 0.05 by
/// permutation …". Empty when there are none, or no comparisons.
std::string seeds_caveat(const Evidence& evidence);

/// Seeds in the syntax of `--seeds`: "0..2,7".
std::string seed_list(const std::vector<std::uint64_t>& seeds);

}  // namespace lra
