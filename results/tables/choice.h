/// Which runs stand in a table, and the marks that they carry there.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "results/store/record.h"
#include "results/tables/report.h"

namespace lra {

/// What a reader must know about a figure.
struct Marks {
  bool above_chance = false;    // lower end of the interval above the majority class
  bool uses_context = false;    // … above every predictor that ignores order: baselines and the control
  bool stale = false;           // made by another revision of the model or the engine
  bool not_comparable = false;  // fewer examples or steps than the preset says
  bool over_budget = false;     // parameters more than 10 % above exact attention's
  bool shared = false;          // trained while other cells ran: no timing of it is shown
  bool uneven = false;          // its timings are not one figure (StoredRun::timing_flaw): none is shown
  bool best_of = false;         // chosen on validation among several settings
  bool timed() const { return !shared && !uneven; }
};

using PresetRuns = std::vector<std::pair<std::string, std::vector<const StoredRun*>>>;

/// Runs by preset in the order in which presets first occur, those of the preset and the tasks that the request names.
PresetRuns by_preset(const std::vector<StoredRun>& runs, const ReportRequest& request);

/// The runs of the configuration that stands for them all (see accuracy_tables), by seed. Requires at least one run.
std::vector<const StoredRun*> chosen(const std::vector<const StoredRun*>& runs, const ReportRequest& request);

/// The marks that runs of one configuration carry by themselves: stale, not comparable.
Marks facts_about(const std::vector<const StoredRun*>& runs, const ReportRequest& request);

/// The most parameters a row may have without a mark: LRA's rule, a tenth above those of exact attention.
double parameter_budget(long exact_parameters);

}  // namespace lra
