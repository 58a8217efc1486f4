/// `lra run --dry-run`: lists what would run and its estimated cost.
#pragma once

#include <string>
#include <vector>

#include "tools/lra/run_options.h"

namespace lra {

/// Builds every (task, model) once, for one seed, and throws if a shape is invalid.
void check_shapes(const std::vector<Experiment>& experiments);

/// Throws a data error when the data of any task are missing, after logging which, and before any data are prepared.
void check_data(const std::vector<Experiment>& experiments, const DataPaths& paths);

/// One object per cell. "status" is "done", "to run" or "no data"; for "no data", "missing" says which data and how to
/// get them. "flops", "peak_bytes", "seconds" and "basis" (see harness/estimate.h) are null for done cells and with
/// --no-estimate. Each task and model is timed once for all seeds.
Json dry_run(const std::vector<Experiment>& experiments, const RunOptions& options);

/// Prints the cells as a table with totals.
void print_dry_run(const Json& cells, const RunOptions& options);

/// Whether data are missing for any cell that would run.
bool lacks_data(const Json& cells);

}  // namespace lra
