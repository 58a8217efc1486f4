#include "results/tables/comparison.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <tuple>

#include "harness/core/names.h"

namespace lra {
namespace {

bool is_stale(const StoredRun& run, const ReportRequest& request) {
  for (const auto& [model, revision] : request.revisions)
    if (model == run.model) return revision != run.model_revision;
  return false;
}

void check_model(const Comparison& comparison, const Store& store, const std::string& model) {
  std::vector<std::string> models;
  for (const StoredRun& run : comparison.runs)
    if (std::find(models.begin(), models.end(), run.model) == models.end()) models.push_back(run.model);
  if (std::find(models.begin(), models.end(), model) == models.end())
    fail_usage("{} holds no run of model '{}'{}", store.path().string(), model, suggestion(model, models));
}

void keep_wanted(std::vector<BenchTable>& tables, const ReportRequest& request) {
  for (BenchTable& table : tables)
    std::erase_if(table.rows, [&](const BenchRow& row) { return !request.wants_model(row.model); });
  std::erase_if(tables, [](const BenchTable& table) { return table.rows.empty(); });
}

}  // namespace

std::vector<const StoredRun*> chosen(const std::vector<const StoredRun*>& runs, const ReportRequest& request) {
  std::map<std::string, std::pair<double, double>> validation;  // sum and number over the seeds of a configuration
  for (const StoredRun* run : runs) {
    validation[run->configuration].first += run->valid_accuracy;
    validation[run->configuration].second += 1;
  }
  const auto rank = [&](const StoredRun* run) {
    const auto& [sum, count] = validation.at(run->configuration);
    return std::tuple(run->comparable, !is_stale(*run, request), sum / count, run->id);
  };
  const StoredRun* best =
      *std::max_element(runs.begin(), runs.end(), [&](auto* a, auto* b) { return rank(a) < rank(b); });
  std::vector<const StoredRun*> all;
  for (const StoredRun* run : runs)
    if (run->configuration == best->configuration && run->comparable == best->comparable &&
        run->model_revision == best->model_revision)
      all.push_back(run);
  std::stable_sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->seed < b->seed; });
  return all;
}

Marks facts_about(const std::vector<const StoredRun*>& runs, const ReportRequest& request) {
  Marks marks;
  marks.stale = is_stale(*runs.front(), request);
  marks.not_comparable = !runs.front()->comparable;
  marks.best_of = tries(*runs.front()) > 1;
  marks.shared = std::any_of(runs.begin(), runs.end(), [](const StoredRun* run) { return run->shared; });
  marks.uneven = std::any_of(runs.begin(), runs.end(), [](const StoredRun* run) { return !run->timing_flaw.empty(); });
  return marks;
}

double parameter_budget(long transformer_parameters) { return 1.10 * static_cast<double>(transformer_parameters); }

std::vector<const StoredRun*> runs_of(const Comparison& comparison, const ReportRequest& request) {
  std::vector<const StoredRun*> all;
  for (const StoredRun& run : comparison.runs)
    if ((request.preset.empty() || run.preset == request.preset) && request.wants_task_of(run) &&
        request.wants_model(run.model))
      all.push_back(&run);
  return all;
}

PresetRuns by_preset(const std::vector<StoredRun>& runs, const ReportRequest& request) {
  PresetRuns groups;
  for (const StoredRun& run : runs) {
    if ((!request.preset.empty() && run.preset != request.preset) || !request.wants_task_of(run)) continue;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == run.preset; });
    if (group == groups.end()) group = groups.insert(groups.end(), {run.preset, {}});
    group->second.push_back(&run);
  }
  return groups;
}

Comparison compare_runs(const Store& store, const ReportRequest& request) {
  const std::vector<std::string>& known = report_tables();
  if (std::find(known.begin(), known.end(), request.table) == known.end())
    fail_usage("unknown table '{}'{}", request.table, suggestion(request.table, known));
  const bool all = request.table == "all" || request.table == "model";

  Comparison comparison;
  comparison.runs = store.runs();
  const bool timings = all || request.table == "efficiency";
  if (timings || request.table == "bench")
    comparison.benches = bench_tables(store.measurements(), store.environments());
  if (request.table == "bench" && comparison.benches.empty())
    fail_usage("{} holds no measurement; `lra bench` makes some", store.path().string());
  keep_wanted(comparison.benches, request);
  if (request.table == "bench" && comparison.benches.empty())
    fail_usage("{} holds no measurement of what --models asks for", store.path().string());
  if (comparison.runs.empty() && comparison.benches.empty()) {
    const auto failures = store.failures().size();
    if (failures == 0) fail_usage("{} holds no finished run; `lra run` makes some", store.path().string());
    fail_usage("{} holds no finished run, only {} that failed or were interrupted; `lra run` tries them again",
               store.path().string(), failures);
  }
  if (request.table == "bench") return comparison;

  if (!request.preset.empty() && by_preset(comparison.runs, request).empty()) {
    std::vector<std::string> presets;
    for (const auto& [preset, runs] : by_preset(comparison.runs, {})) presets.push_back(preset);
    fail_usage("{} holds no run of preset '{}'{}", store.path().string(), request.preset,
               suggestion(request.preset, presets));
  }
  if (runs_of(comparison, request).empty() && comparison.benches.empty())
    fail_usage("{} holds no finished run of what --tasks, --models and --preset ask for", store.path().string());
  if (!request.model.empty()) check_model(comparison, store, request.model);
  if (timings) comparison.costs = cost_tables(comparison.runs, store, request);
  if (request.table == "efficiency") return comparison;
  comparison.hits = store.hits();
  comparison.accuracy = accuracy_tables(comparison.runs, store, request);
  return comparison;
}

long tries(const StoredRun& run) {
  long count = 1;
  if (run.sweep.is_object())
    for (const auto& [key, values] : run.sweep.items()) count *= static_cast<long>(values.size());
  return count;
}

std::string row_label(const StoredRun& run) {
  std::string label = run.model, swept;
  if (run.overrides.is_object())
    for (const auto& [key, value] : run.overrides.items())
      if (!run.sweep.is_object() || !run.sweep.contains(key))
        label += fmt::format(" {}={}", key, value.is_string() ? value.get<std::string>() : value.dump());
  if (run.sweep.is_object())
    for (const auto& [key, values] : run.sweep.items()) swept += (swept.empty() ? "" : ",") + key;
  return swept.empty() ? label : fmt::format("{} best of {} {}", label, tries(run), swept);
}

std::string reference_label(const std::string& reference, const std::string& row,
                            const std::vector<std::string>& labels) {
  const auto words = [](const std::string& text) {
    std::vector<std::string> all;
    std::istringstream in(text);
    for (std::string word; in >> word;) all.push_back(word);
    return all;
  };
  const auto has = [](const std::vector<std::string>& all, const std::string& word) {
    return std::find(all.begin(), all.end(), word) != all.end();
  };
  const auto own = words(reference);
  auto allowed = words(row);
  allowed.front() = own.front();                                                   // the model
  for (const std::string& word : words(kMaterialized)) std::erase(allowed, word);  // a row may be a reference itself
  allowed.insert(allowed.end(), own.begin(), own.end());
  std::string best;
  std::size_t most = 0;
  for (const std::string& label : labels) {
    const auto candidate = words(label);
    const auto in_candidate = [&](const auto& word) { return has(candidate, word); };
    const auto is_allowed = [&](const auto& word) { return has(allowed, word); };
    if (candidate.front() == own.front() && candidate.size() > most &&
        std::all_of(own.begin(), own.end(), in_candidate) &&
        std::all_of(candidate.begin(), candidate.end(), is_allowed))
      best = label, most = candidate.size();
  }
  return best;
}

std::string machine_name(const Environment& environment) {
  return fmt::format("{}, {} core{}", environment.cpu, environment.cores, environment.cores == 1 ? "" : "s");
}

}  // namespace lra
