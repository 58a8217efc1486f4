/// One run or one bench figure as a JSON object: the one form in which `--json` and the reports hand them to other
/// programs. results/README.md has its table.
#pragma once

#include <vector>

#include "results/store/store.h"
#include "results/tables/bench.h"

namespace lra {

/// "schema_version" of each object: raised when a key changes its meaning or goes.
inline constexpr int kJsonVersion = 2;

/// A run: its id as `run`, every field of StoredRun under its own name but `experiment` and `environment`, `accuracy`,
/// `data_share`, and of its data `baselines` (accuracy by name), `majority` and `best_baseline`. Figures of a run that
/// is not done are null, as is what is not known.
Json json_row(const StoredRun& run, const std::vector<Baseline>& baselines);

/// The same with `experiment`, `history` and the last of its losses. Requires a run with its history.
Json whole_row(const StoredRun& run, const std::vector<Baseline>& baselines);

/// json_row of every run, with the baselines of its data.
std::vector<Json> json_rows(const Store& store, const std::vector<const StoredRun*>& runs);

/// `model`, `length`, `batch`, `mode`, `threads`, `settings`, `speed_up` (null without exact attention) and each metric
/// by name.
Json json_row(const BenchTable& table, const BenchRow& row);

/// Any record by the names of its fields.
template <typename Record>
Json json_of(const Record& record) {
  Json json = Json::object();
  Record::fields(record, [&json](const char* name, const auto& value) { json[name] = value; });
  return json;
}

}  // namespace lra
