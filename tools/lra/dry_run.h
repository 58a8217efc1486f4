/// What `lra run --dry-run` says: what would be run, and what it would cost.
#pragma once

#include <string>
#include <vector>

#include "tools/lra/run_options.h"

namespace lra {

/// Builds every (task, model) once, so that a shape that cannot be built is refused. The seed changes no count.
void check_shapes(const std::vector<Experiment>& experiments);

/// Throws a data error when the data of a task are missing, after it has said on stderr which those are: before
/// anything is made ready for the others.
void check_data(const std::vector<Experiment>& experiments, const DataPaths& paths);

/// One object per cell. What is to run also has "flops", "peak_bytes", "seconds" and "basis" (null with --no-estimate,
/// and for what is done): see harness/estimate.h. A task and model is tried once for all seeds. "status" is "done",
/// "to run" or "no data", and then "missing" says which and how to get them.
Json dry_run(const std::vector<Experiment>& experiments, const RunOptions& options);

/// The same as a table, with the sum.
void print_dry_run(const Json& cells, const RunOptions& options);

/// Whether data are missing for a cell that is to be run.
bool lacks_data(const Json& cells);

}  // namespace lra
