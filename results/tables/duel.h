/// Two sides set against each other on every task variant that both have: models, runs, databases, versions of the
/// code.
#pragma once

#include <string>
#include <vector>

#include "results/tables/comparison.h"

namespace lra {

/// Runs of one side: a name and what it stands for.
struct Side {
  std::string name;
  std::vector<const StoredRun*> runs;
  const std::map<long, Hits>* hits = nullptr;
  const std::map<long, Environment>* environments = nullptr;  // those that the runs name
};

/// One meeting: the same preset, task variant and data; where two databases or versions meet, the same row too.
struct Bout {
  std::string label, preset, variant;
  std::vector<const StoredRun*> first, second;
  long other_first = 0, other_second = 0;  // runs there that another configuration or revision displaced
  Contest contest;                         // first less second, Holm over all bouts whose bits differ
  long same_bits = 0;                      // common seeds whose trained parameters are equal
  bool several_levels = false;             // the runs of the common seeds, of both sides together (level.h)

  /// "listops@quick", "linear on listops@quick".
  std::string name() const { return (label.empty() ? "" : label + " on ") + variant; }

  /// Whether both sides trained the same networks on all seeds that they have in common, which are some.
  bool is_same() const { return same_bits > 0 && same_bits == static_cast<long>(contest.seeds.size()); }
};

struct Duel {
  std::string first, second;
  std::vector<Bout> bouts;
  Evidence evidence;             // of the bouts whose bits differ; no contests in it when both sides are the same
  bool second_is_worse() const;  // significantly, in some bout
  bool second_is_better() const;
  std::vector<std::string> levels() const;  // names of the bouts of several levels, for levels_note
};

/// `by_label`: rows of the same label meet each other (databases, versions); otherwise all runs of one side meet all of
/// the other's. The bouts are in the request's order of tasks. Throws a usage error when no bout is possible, saying
/// why: other presets, other variants, other data, or only runs that were cut short.
Duel duel(const Side& first, const Side& second, bool by_label, const ReportRequest& request, long replicates = 2000);

}  // namespace lra
