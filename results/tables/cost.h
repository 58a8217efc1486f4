/// Tables of training cost per machine and number of threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/tables/labels.h"
#include "results/tables/run_selection.h"

namespace lra {

/// The training cost of one configuration: means over seeds; bytes and parameters are maxima. 0 means not measured.
struct CostRow {
  std::string label, model;
  std::vector<const StoredRun*> runs;
  Marks marks;
  double examples_per_second = 0, gflops = 0, peak_share = 0, train_seconds = 0;
  std::int64_t peak_bytes = 0, activation_bytes = 0;
  long parameters = 0;
  std::string reference;                     // label of exact attention with the same settings, or empty
  std::optional<double> relative_speed;      // examples per second relative to `reference`
  std::optional<double> relative_to_stored;  // the same relative to exact attention that stores its N×N matrix
};

/// The costs for one version of a task variant's data, one machine and one number of threads. Only timings under the
/// same conditions share a table.
struct CostTable {
  std::string preset, variant, label, machine;  // label: as Column::label
  long threads = 0;
  std::vector<CostRow> rows;        // fastest first
  long shared = 0;                  // runs left out because other cells ran at the same time
  long uneven = 0;                  // runs left out because of a timing_flaw
  std::vector<std::string> levels;  // rows that pool seeds of several levels (numeric_level.h)
  ReferenceModels references;
};

/// Returns one table per preset, version of a task variant's data, machine and number of threads. Borrows `runs`.
std::vector<CostTable> cost_tables(const std::vector<StoredRun>& runs, const Store& store,
                                   const ReportRequest& request);

}  // namespace lra
