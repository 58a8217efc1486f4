/// Names of rows and machines, and the rows that others are measured against.
#pragma once

#include <string>
#include <vector>

#include "results/store/record.h"

namespace lra {

/// The control: it mixes no tokens, so it shows what a model gets without context.
inline constexpr const char* kControl = "identity";

/// The row of the transformer that stores its N×N matrix, as the papers' did.
inline constexpr const char* kMaterialized = "transformer materialized=true";

/// How many settings a sweep tried; 1 without one.
long tries(const StoredRun& run);

/// "linformer k=64": the model and what was asked for beside the preset. Runs of one sweep share "linformer best of 3
/// k".
std::string row_label(const StoredRun& run);

/// What a row is measured against: of `labels` the one of `reference`'s model that has `reference`'s own settings and
/// otherwise the most of what the row was asked for, and nothing else: "linear steps=60" has "transformer steps=60"
/// where that ran, else "transformer". Empty where there is none.
std::string reference_label(const std::string& reference, const std::string& row,
                            const std::vector<std::string>& labels);

/// "Intel Xeon, 2 cores".
std::string machine_name(const Environment& environment);

}  // namespace lra
