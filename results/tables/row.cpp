#include "results/tables/row.h"

#include <algorithm>

namespace lra {
namespace {

/// The last value of (split, name) in a run's history, or null.
Json last_value(const StoredRun& run, const std::string& split, const std::string& name) {
  const auto found = std::find_if(run.history.rbegin(), run.history.rend(),
                                  [&](const Metric& metric) { return metric.split == split && metric.name == name; });
  return found == run.history.rend() ? Json() : Json(found->value);
}

void add_baseline_scores(Json& row, const std::vector<Baseline>& baselines) {
  row["baselines"] = Json::object();
  row["majority"] = row["best_baseline"] = nullptr;
  for (const Baseline& baseline : baselines) {
    const double score = accuracy(baseline);
    row["baselines"][baseline.name] = score;
    if (baseline.name == "majority") row["majority"] = score;
    if (row["best_baseline"].is_null() || score > row["best_baseline"].get<double>()) row["best_baseline"] = score;
  }
}

}  // namespace

Json json_row(const StoredRun& run, const std::vector<Baseline>& baselines) {
  const bool done = run.status == "done";
  Json row = json_of(run);
  row.erase("experiment");
  row.erase("environment");
  row["schema_version"] = kJsonVersion;
  row["run"] = run.id > 0 ? Json(run.id) : Json();
  row["accuracy"] = done && run.test_examples > 0 ? Json(accuracy(run)) : Json();
  row["data_share"] = done ? Json(data_share(run)) : Json();
  if (!done) TrainResult::figures(run, [&row](const char* name, const auto&) { row[name] = nullptr; });
  add_baseline_scores(row, baselines);
  return row;
}

Json full_json_row(const StoredRun& run, const std::vector<Baseline>& baselines) {
  Json row = json_row(run, baselines);
  row["experiment"] = run.experiment;
  row["history"] = Json::array();
  for (const Metric& metric : run.history)
    row["history"].push_back(
        {{"step", metric.step}, {"split", metric.split}, {"name", metric.name}, {"value", metric.value}});
  row["train_loss"] = last_value(run, "train", "loss");
  row["valid_loss"] = last_value(run, "valid", "loss");
  row["valid_accuracy"] = last_value(run, "valid", "accuracy");
  return row;
}

std::vector<Json> json_rows(const Store& store, const std::vector<const StoredRun*>& runs) {
  const auto baselines = store.baselines();
  std::vector<Json> rows;
  for (const StoredRun* run : runs) {
    const auto known = baselines.find({run->variant, run->data_fingerprint});
    rows.push_back(json_row(*run, known == baselines.end() ? std::vector<Baseline>() : known->second));
  }
  return rows;
}

Json json_row(const BenchTable& table, const BenchRow& row) {
  Json out{{"schema_version", kJsonVersion},
           {"model", row.model},
           {"length", row.length},
           {"batch", table.batch},
           {"mode", table.mode}};
  out["threads"] = table.threads;
  out["machine"] = table.machine;
  out["settings"] = table.settings;
  out["fits"] = row.fits();
  const std::string bound = bound_of(row);
  out["bound"] = bound.empty() ? Json() : Json(bound);
  out["speed_up"] = row.speed_up ? Json(*row.speed_up) : Json();
  out["speed_up_to_stored"] = row.speed_up_to_stored ? Json(*row.speed_up_to_stored) : Json();
  for (const auto& [metric, value] : row.values) out[metric] = value;
  return out;
}

}  // namespace lra
