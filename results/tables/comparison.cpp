#include "results/tables/comparison.h"

#include <algorithm>

#include "core/names.h"

namespace lra {
namespace {

void check_model(const Comparison& comparison, const Store& store, const std::string& model) {
  std::vector<std::string> models;
  for (const StoredRun& run : comparison.runs)
    if (std::find(models.begin(), models.end(), run.model) == models.end()) models.push_back(run.model);
  if (std::find(models.begin(), models.end(), model) == models.end())
    fail_usage("{} has no run of model '{}'{}", store.path().string(), model, suggestion(model, models));
}

void keep_wanted(std::vector<BenchTable>& tables, const ReportRequest& request) {
  for (BenchTable& table : tables)
    std::erase_if(table.rows, [&](const BenchRow& row) { return !request.wants_model(row.model); });
  std::erase_if(tables, [](const BenchTable& table) { return table.rows.empty(); });
}

}  // namespace

std::vector<const StoredRun*> runs_of(const Comparison& comparison, const ReportRequest& request) {
  std::vector<const StoredRun*> all;
  for (const StoredRun& run : comparison.runs)
    if ((request.preset.empty() || run.preset == request.preset) && request.wants_task_of(run) &&
        request.wants_model(run.model))
      all.push_back(&run);
  return all;
}

Comparison compare_runs(const Store& store, const ReportRequest& request) {
  const std::vector<std::string>& known = report_tables();
  if (std::find(known.begin(), known.end(), request.table) == known.end())
    fail_usage("unknown table '{}'{}", request.table, suggestion(request.table, known));
  const bool all = request.table == "all" || request.table == "model";

  Comparison comparison;
  comparison.runs = store.runs(), comparison.references = request.references;
  const bool timings = all || request.table == "efficiency";
  if (timings || request.table == "bench")
    comparison.benches = bench_tables(store.measurements(), store.environments(), request.references);
  if (request.table == "bench" && comparison.benches.empty())
    fail_usage("{} has no measurements; `lra bench` adds some", store.path().string());
  keep_wanted(comparison.benches, request);
  if (request.table == "bench" && comparison.benches.empty())
    fail_usage("{} has no measurement of the models in --models", store.path().string());
  if (comparison.runs.empty() && comparison.benches.empty()) {
    const auto failures = store.failures().size();
    if (failures == 0) fail_usage("{} has no finished run; `lra run` adds some", store.path().string());
    fail_usage("{} has no finished run, only {} that failed or were interrupted; `lra run` retries them",
               store.path().string(), failures);
  }
  if (request.table == "bench") return comparison;

  if (!request.preset.empty() && by_preset(comparison.runs, request).empty()) {
    std::vector<std::string> presets;
    for (const auto& [preset, runs] : by_preset(comparison.runs, {})) presets.push_back(preset);
    fail_usage("{} has no run of preset '{}'{}", store.path().string(), request.preset,
               suggestion(request.preset, presets));
  }
  if (runs_of(comparison, request).empty() && comparison.benches.empty())
    fail_usage("{} has no finished run that matches --tasks, --models and --preset", store.path().string());
  if (!request.model.empty()) check_model(comparison, store, request.model);
  if (timings) comparison.costs = cost_tables(comparison.runs, store, request);
  if (request.table == "efficiency") return comparison;
  comparison.correct_examples = store.correct_examples();
  comparison.accuracy = accuracy_tables(comparison.runs, store, request);
  return comparison;
}

}  // namespace lra
