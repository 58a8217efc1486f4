/// Two sides compared on every task variant that both have: models, runs, databases, versions of the
/// code.
#pragma once

#include <string>
#include <vector>

#include "results/tables/paired_comparison.h"
#include "results/tables/report.h"

namespace lra {

/// Runs of one side: a name and what it stands for.
struct Side {
  std::string name;
  std::vector<const StoredRun*> runs;
  const std::map<long, CorrectExamples>* correct_examples = nullptr;
  const std::map<long, Environment>* environments = nullptr;  // those that the runs name
};

/// Both sides on one task: the same preset, task variant and data; where two databases or versions meet, the same row
/// too.
struct TaskComparison {
  std::string label, preset, variant;
  std::vector<const StoredRun*> first, second;
  long other_first = 0, other_second = 0;  // runs there that another configuration or revision displaced
  PairedComparison comparison;             // first minus second, Holm over all tasks whose bits differ
  long same_bits = 0;                      // common seeds whose trained parameters are equal
  bool several_levels = false;             // the runs of the common seeds, of both sides together (numeric_level.h)

  /// "listops@quick", "linear on listops@quick".
  std::string name() const { return (label.empty() ? "" : label + " on ") + variant; }

  /// Whether both sides trained the same networks on all seeds that they have in common, which are some.
  bool is_same() const { return same_bits > 0 && same_bits == static_cast<long>(comparison.seeds.size()); }
};

struct ModelComparison {
  std::string first, second;
  std::vector<TaskComparison> tasks;
  Evidence evidence;             // of the tasks whose bits differ; no comparisons in it when both sides are the same
  bool second_is_worse() const;  // significantly, in some task
  bool second_is_better() const;
  std::vector<std::string> levels() const;  // names of the tasks of several levels, for levels_note
};

/// `by_label`: rows of the same label meet each other (databases, versions); otherwise all runs of one side meet all of
/// the other's. Tasks stand in the request's order. Throws a usage error when the sides have nothing to compare,
/// saying why: other presets, other variants, other data, or only runs that were cut short.
ModelComparison compare_sides(const Side& first, const Side& second, bool by_label, const ReportRequest& request,
                              long replicates = 2000);

}  // namespace lra
