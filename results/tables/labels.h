/// Names of rows and machines, and the rows that others are measured against.
#pragma once

#include <string>
#include <vector>

#include "results/tables/report.h"

namespace lra {

/// How many settings a sweep tried; 1 without one.
long tries(const StoredRun& run);

/// "linformer k=64": the model and what was asked for beside the preset. Runs of one sweep share "linformer best of 3
/// k".
std::string row_label(const StoredRun& run);

/// The label that `row` is measured against: of `labels` the one of `reference`'s model that has `reference`'s own
/// settings and otherwise the most of what the row was asked for, and nothing else: "linear steps=60" is measured
/// against "transformer steps=60" where that ran, else against "transformer". Empty where there is none. `reference` is
/// the label of one of `references`, which a row may be itself.
std::string reference_label(const ReferenceModels& references, const std::string& reference, const std::string& row,
                            const std::vector<std::string>& labels);

/// "Intel Xeon, 2 cores".
std::string machine_name(const Environment& environment);

}  // namespace lra
