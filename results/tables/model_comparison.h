/// Compares two sides (models, runs, databases or versions of the code) on every task variant that both have.
#pragma once

#include <string>
#include <vector>

#include "results/tables/paired_comparison.h"
#include "results/tables/report.h"

namespace lra {

/// One side of a comparison: its name and its runs.
struct Side {
  std::string name;
  std::vector<const StoredRun*> runs;
  const std::map<long, CorrectExamples>* correct_examples = nullptr;
  const std::map<long, Environment>* environments = nullptr;  // by StoredRun::environment
};

/// Both sides on one preset, task variant and version of its data, and, if `by_label`, one row.
struct TaskComparison {
  std::string label, preset, variant;
  std::vector<const StoredRun*> first, second;
  long other_first = 0, other_second = 0;  // runs left out because of another configuration or revision
  PairedComparison comparison;             // first minus second, Holm over all tasks whose bits differ
  long same_bits = 0;                      // common seeds with bit-identical trained parameters
  bool several_levels = false;             // whether the runs of the common seeds have several numeric levels

  /// "listops@quick", "linear on listops@quick".
  std::string name() const { return (label.empty() ? "" : label + " on ") + variant; }

  /// Whether there are common seeds and both sides trained bit-identical networks on all of them.
  bool is_same() const { return same_bits > 0 && same_bits == static_cast<long>(comparison.seeds.size()); }
};

struct ModelComparison {
  std::string first, second;
  std::vector<TaskComparison> tasks;
  Evidence evidence;             // of the tasks whose bits differ; empty when both sides are identical
  bool second_is_worse() const;  // significantly, on some task
  bool second_is_better() const;
  std::vector<std::string> levels() const;  // names of the tasks with several_levels, for levels_note
};

/// Compares two sides. With `by_label`, only rows with the same label are compared (for databases and versions);
/// otherwise all runs of one side with all of the other. Tasks are in the request's order. Throws a usage error that
/// gives the reason when nothing can be compared: different tasks, variants, presets or data, or only runs that were
/// cut short.
ModelComparison compare_sides(const Side& first, const Side& second, bool by_label, const ReportRequest& request,
                              long replicates = 2000);

}  // namespace lra
