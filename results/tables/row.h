/// The JSON form of a run and of a bench measurement, which `--json` and the reports share. results/README.md lists the
/// keys.
#pragma once

#include <vector>

#include "results/store/store.h"
#include "results/tables/bench.h"

namespace lra {

/// The "schema_version" of each object, raised when a key changes its meaning or is removed.
inline constexpr int kJsonVersion = 2;

/// A run: `run` (its id), every field of StoredRun except `experiment` and `environment` under its own name,
/// `accuracy`, `data_share`, and for its data `baselines` (accuracy by name), `majority` and `best_baseline`. Figures
/// of a run that is not done and unknown values are null.
Json json_row(const StoredRun& run, const std::vector<Baseline>& baselines);

/// json_row plus `experiment`, `history` and the last losses and accuracy in it. Requires a run with its history.
Json full_json_row(const StoredRun& run, const std::vector<Baseline>& baselines);

/// json_row of every run, with the stored baselines of its data.
std::vector<Json> json_rows(const Store& store, const std::vector<const StoredRun*>& runs);

/// `model`, `length`, `batch`, `mode`, `threads`, `settings`, `speed_up` (null without exact attention) and each metric
/// by name.
Json json_row(const BenchTable& table, const BenchRow& row);

/// A record as an object with the names of its fields as keys.
template <typename Record>
Json json_of(const Record& record) {
  Json json = Json::object();
  Record::fields(record, [&json](const char* name, const auto& value) { json[name] = value; });
  return json;
}

}  // namespace lra
