/// Accuracies published in papers, and which runs they can be compared with.
///
/// The figures are in results/tables/published/*.csv, each with its paper and table, and are embedded in the program.
#pragma once

#include <string>
#include <vector>

#include "results/store/record.h"

namespace lra {

/// One printed accuracy.
struct Published {
  std::string source;  // as in sources.csv
  std::string paper, arxiv, table, protocol;
  std::string model, printed_as, task;  // model and task by our names
  std::string variant;     // of the task: LRA's, which has the task's name, or the one that state-space models read
  std::string provenance;  // primary: by the model's authors; rerun: by others; copied: quoted from another paper
  double accuracy = 0;     // a share; 0 when it failed
  bool failed = false;     // printed as a failure
  std::string kind, note;  // kind: "" | suspect (shown with the note) | variant | pretrained (neither is compared)
};

/// All published accuracies.
const std::vector<Published>& published();

/// The range of the published accuracies of one model on one task.
struct PublishedRange {
  double low = 0, high = 0;
  long entries = 0, failures = 0;
  std::vector<const Published*> from;  // each counted entry
  std::vector<std::string> left_out;   // "never_from_scratch: pretrained …"

  /// Ours minus the nearer end of the range; 0 inside it.
  double apart(double ours) const { return ours > high ? ours - high : ours < low ? ours - low : 0; }
};

/// Has no entries when nothing comparable was published for the variant of a task. Model names are compared without
/// `_`.
PublishedRange published_range(const std::string& model, const std::string& variant);

/// One clause on why published figures cannot be compared with this run; empty when they can. Only a complete run on a
/// variant that papers print figures for can.
std::string why_not_comparable(const StoredRun& run);

}  // namespace lra
