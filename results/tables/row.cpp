#include "results/tables/row.h"

namespace lra {

Json json_row(const Run& run, std::optional<double> majority) {
  const bool done = run.status == "done";
  Json row{{"run", run.id}, {"task", run.task}, {"variant", run.variant}, {"preset", run.preset}, {"model", run.model}};
  row["seed"] = run.seed;
  row["status"] = run.status;
  row["accuracy"] = done && run.test_examples > 0 ? Json(accuracy(run)) : Json();
  row["baseline"] = majority ? Json(*majority) : Json();
  row["test_correct"] = run.test_correct;
  row["test_examples"] = run.test_examples;
  row["test_loss"] = run.test_loss;
  row["parameters"] = run.parameters;
  row["parameter_digest"] = run.parameter_digest;
  row["examples_per_second"] = run.examples_per_second;
  row["gflops"] = run.gflops;
  row["gemm_peak_gflops"] = run.gemm_peak_gflops;
  row["peak_bytes"] = run.peak_bytes;
  row["activation_bytes"] = run.activation_bytes;
  row["rss_bytes"] = run.rss_bytes;
  row["train_seconds"] = run.train_seconds;
  row["seconds"] = run.seconds;
  row["threads"] = run.threads;
  row["comparable"] = run.comparable;
  row["shared"] = run.shared;
  row["timing_flaw"] = run.timing_flaw;
  row["parts"] = run.parts;
  row["reason"] = run.reason;
  row["key"] = run.key;
  row["configuration"] = run.configuration;
  row["model_revision"] = run.model_revision;
  row["data_fingerprint"] = run.data_fingerprint;
  row["data_folder"] = run.data_folder;
  row["overrides"] = run.overrides;
  row["sweep"] = run.sweep;
  row["command"] = run.command;
  row["started"] = run.started;
  return row;
}

Json json_row(const BenchTable& table, const BenchRow& row) {
  Json out{{"model", row.model}, {"length", row.length}, {"batch", table.batch}, {"mode", table.mode}};
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

std::vector<Json> json_rows(const Store& store, const std::vector<const Run*>& runs) {
  std::map<std::pair<std::string, std::string>, std::optional<double>> majorities;
  std::vector<Json> rows;
  for (const Run* run : runs) {
    const auto [found, is_new] = majorities.try_emplace({run->variant, run->data_fingerprint});
    if (is_new) found->second = majority_accuracy(store, *run);
    rows.push_back(json_row(*run, found->second));
  }
  return rows;
}

std::optional<double> majority_accuracy(const Store& store, const Run& run) {
  for (const Baseline& baseline : store.baselines(run.variant, run.data_fingerprint))
    if (baseline.name == "majority") return accuracy(baseline);
  return std::nullopt;
}

}  // namespace lra
