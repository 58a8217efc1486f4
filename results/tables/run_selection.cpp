#include "results/tables/run_selection.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "results/tables/labels.h"

namespace lra {
namespace {

bool is_stale(const StoredRun& run, const ReportRequest& request) {
  for (const auto& [model, revision] : request.revisions)
    if (model == run.model) return revision != run.model_revision;
  return false;
}

}  // namespace

std::vector<const StoredRun*> select_configuration(const std::vector<const StoredRun*>& runs,
                                                   const ReportRequest& request) {
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

Marks marks_of(const std::vector<const StoredRun*>& runs, const ReportRequest& request) {
  Marks marks;
  marks.stale = is_stale(*runs.front(), request);
  marks.not_comparable = !runs.front()->comparable;
  marks.best_of = tries(*runs.front()) > 1;
  marks.shared = std::any_of(runs.begin(), runs.end(), [](const StoredRun* run) { return run->shared; });
  marks.uneven = std::any_of(runs.begin(), runs.end(), [](const StoredRun* run) { return !run->timing_flaw.empty(); });
  return marks;
}

double parameter_budget(long exact_parameters) { return 1.10 * static_cast<double>(exact_parameters); }

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

}  // namespace lra
