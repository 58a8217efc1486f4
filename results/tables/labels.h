/// Labels of rows and machines, and the reference row for each row.
#pragma once

#include <string>
#include <vector>

#include "results/tables/report.h"

namespace lra {

/// The number of settings that the run's sweep tried; 1 without a sweep.
long tries(const StoredRun& run);

/// "linformer k=64": the model and its changes to the preset. Runs of one sweep share a label, "linformer best of 3 k".
std::string row_label(const StoredRun& run);

/// The label among `labels` that `row` is compared with. Candidates are the labels of `reference`'s model that have all
/// of `reference`'s settings and no others than those of `row`; the one with the most settings wins. "linear steps=60"
/// is compared with "transformer steps=60" if it is in `labels`, otherwise with "transformer". Returns an empty string
/// if there is no candidate. `reference` is the label of one of `references`, and `row` may be a reference itself.
std::string reference_label(const ReferenceModels& references, const std::string& reference, const std::string& row,
                            const std::vector<std::string>& labels);

/// "Intel Xeon, 2 cores".
std::string machine_name(const Environment& environment);

}  // namespace lra
