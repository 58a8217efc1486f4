/// Accuracies that papers print, and what may be set beside them.
///
/// The figures are in results/tables/published/*.csv, keyed to one paper and table each, and travel inside the program.
#pragma once

#include <string>
#include <vector>

#include "results/store/record.h"

namespace lra {

/// One printed accuracy.
struct Published {
  std::string source;  // as in sources.csv
  std::string paper, arxiv, table, protocol;
  std::string model, printed_as, task;  // model and task by their names here
  std::string provenance;  // primary: by the model's authors; rerun: by others; copied: seen as a quotation
  double accuracy = 0;     // a share; 0 when it failed
  bool failed = false;     // printed as a failure
  std::string kind, note;  // kind: "" | suspect (shown, with the note) | variant | pretrained (never set beside others)
};

const std::vector<Published>& published();

/// What is set beside one cell: the range of all printed accuracies of that model on that task.
struct PublishedRange {
  double low = 0, high = 0;
  long entries = 0, failures = 0;
  std::vector<const Published*> from;  // each counted entry
  std::vector<std::string> left_out;   // "never_from_scratch: pretrained …"

  /// Ours minus the nearer end of the range; 0 inside it.
  double apart(double ours) const { return ours > high ? ours - high : ours < low ? ours - low : 0; }
};

/// Without entries when nothing was printed, or only what cannot be compared. Model names are compared without `_`.
PublishedRange published_range(const std::string& model, const std::string& task);

/// Why a published figure may not be set beside this cell, one clause; empty when it may. Only a full variant that
/// bears the task's own name, trained by a protocol that is comparable and with the model's own settings, may.
std::string refusal(const StoredRun& run);

}  // namespace lra
