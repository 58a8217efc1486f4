/// Selects the runs that a table shows, and the marks on them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "results/store/record.h"
#include "results/tables/report.h"

namespace lra {

/// Marks that qualify a figure in a table.
struct Marks {
  bool above_chance = false;    // the interval's lower end is above the majority class
  bool uses_context = false;    // the interval's lower end is above every baseline and the control
  bool stale = false;           // made with another revision of the model or the engine
  bool not_comparable = false;  // fewer examples or steps than the preset specifies
  bool over_budget = false;     // parameters more than 10 % above exact attention's
  bool shared = false;          // trained while other cells ran, so its timings are not shown
  bool uneven = false;          // has a StoredRun::timing_flaw, so its timings are not shown
  bool best_of = false;         // the best of several settings on validation data
  bool timed() const { return !shared && !uneven; }
};

using PresetRuns = std::vector<std::pair<std::string, std::vector<const StoredRun*>>>;

/// Groups the runs that match the request's preset and tasks by preset, in the order in which presets first occur.
PresetRuns by_preset(const std::vector<StoredRun>& runs, const ReportRequest& request);

/// Returns the runs of the preferred configuration (see accuracy_tables), ordered by seed. Requires at least one run.
std::vector<const StoredRun*> select_configuration(const std::vector<const StoredRun*>& runs,
                                                   const ReportRequest& request);

/// The marks that follow from the runs of one configuration alone: stale, not_comparable, shared, uneven and best_of.
Marks marks_of(const std::vector<const StoredRun*>& runs, const ReportRequest& request);

/// The largest parameter count that gets no over_budget mark: 10 % above exact attention's, which is LRA's rule.
double parameter_budget(long exact_parameters);

}  // namespace lra
