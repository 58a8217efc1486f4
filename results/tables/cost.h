/// Tables of the cost of training, by machine and number of threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/tables/choice.h"
#include "results/tables/labels.h"

namespace lra {

/// Cost of training, mean over seeds. A value that was not measured is 0.
struct CostRow {
  std::string label, model;
  std::vector<const StoredRun*> runs;
  Marks marks;
  double examples_per_second = 0, gflops = 0, peak_share = 0, train_seconds = 0;
  std::int64_t peak_bytes = 0, activation_bytes = 0;
  long parameters = 0;
  std::string reference;                     // exact attention with the same settings (see reference_label), or empty
  std::optional<double> relative_speed;      // examples per second, reference = 1
  std::optional<double> relative_to_stored;  // the same against exact attention that stores its N×N matrix
};

/// One version of a task variant's data on one machine with one number of threads: only such figures may be set side by
/// side.
struct CostTable {
  std::string preset, variant, label, machine;  // label: as a column's
  long threads = 0;
  std::vector<CostRow> rows;        // fastest first
  long shared = 0;                  // runs left out because other cells ran beside them
  long uneven = 0;                  // the others left out, for their timing_flaw
  std::vector<std::string> levels;  // rows that pool seeds of several levels (numeric_level.h)
  ReferenceModels references;
};

/// One table per preset, task variant, machine and number of threads. Borrows `runs`.
std::vector<CostTable> cost_tables(const std::vector<StoredRun>& runs, const Store& store,
                                   const ReportRequest& request);

}  // namespace lra
