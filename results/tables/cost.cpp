#include "results/tables/cost.h"

#include <algorithm>
#include <tuple>

#include "results/store/numeric_level.h"
#include "results/tables/versions.h"

namespace lra {
namespace {

CostRow cost_row(const std::string& label, const std::vector<const StoredRun*>& candidates,
                 const ReportRequest& request) {
  CostRow row;
  row.label = label;
  row.model = candidates.front()->model;
  row.runs = select_configuration(candidates, request);
  row.marks = marks_of(row.runs, request);
  const double n = static_cast<double>(row.runs.size());
  for (const StoredRun* run : row.runs) {
    row.examples_per_second += run->examples_per_second / n;
    row.gflops += run->gflops / n;
    if (run->gemm_peak_gflops > 0) row.peak_share += run->gflops / run->gemm_peak_gflops / n;
    row.train_seconds += run->train_seconds / n;
    row.peak_bytes = std::max(row.peak_bytes, run->peak_bytes);
    row.activation_bytes = std::max(row.activation_bytes, run->activation_bytes);
    row.parameters = std::max(row.parameters, run->parameters);
  }
  return row;
}

const CostRow* find_cost_row(const CostTable& table, const std::string& label) {
  const auto found = std::find_if(table.rows.begin(), table.rows.end(), [&](auto& r) { return r.label == label; });
  return found == table.rows.end() ? nullptr : &*found;
}

void set_relative_speeds(CostTable& table) {
  std::vector<std::string> labels;
  for (const CostRow& row : table.rows) labels.push_back(row.label);
  for (CostRow& row : table.rows) {
    const auto relation_to = [&](const CostRow* reference) {
      return reference && reference->examples_per_second > 0
                 ? std::optional(row.examples_per_second / reference->examples_per_second)
                 : std::nullopt;
    };
    const auto label_of = [&](const std::string& reference) {
      return reference_label(table.references, reference, row.label, labels);
    };
    row.reference = label_of(table.references.exact);
    const CostRow* fused = find_cost_row(table, row.reference);
    row.relative_speed = relation_to(fused);
    row.relative_to_stored = relation_to(find_cost_row(table, label_of(table.references.materialized_row())));
    row.marks.over_budget = fused && static_cast<double>(row.parameters) > parameter_budget(fused->parameters);
  }
}

}  // namespace

std::vector<CostTable> cost_tables(const std::vector<StoredRun>& runs, const Store& store,
                                   const ReportRequest& request) {
  const std::map<long, Environment> environments = store.environments();
  std::vector<CostTable> tables;
  for (const auto& [preset, members] : by_preset(runs, request)) {
    using Conditions = std::tuple<DataKey, std::string, long>;  // data, machine, threads
    std::map<Conditions, std::map<std::string, std::vector<const StoredRun*>>> groups;
    std::map<Conditions, long> shared, uneven;
    std::map<std::string, std::string> task_of;
    std::vector<const StoredRun*> wanted;
    for (const StoredRun* run : members) {
      const Conditions conditions{data_key(*run), machine_name(environments.at(run->environment)), run->threads};
      task_of[run->variant] = run->task;
      auto& rows = groups[conditions];
      const bool is_wanted = request.wants_model(run->model);
      if (is_wanted) wanted.push_back(run);
      if (run->shared)
        shared[conditions] += is_wanted;
      else if (!run->timing_flaw.empty())
        uneven[conditions] += is_wanted;
      else
        rows[row_label(*run)].push_back(run);
    }
    const auto versions = versions_of(wanted);
    const std::size_t first = tables.size();
    for (const auto& [conditions, rows] : groups) {
      const auto& [data, machine, threads] = conditions;
      const auto version = versions.find(data);
      if (version == versions.end()) continue;
      CostTable& table = tables.emplace_back();
      table.preset = preset, table.variant = data.first, table.label = version->second.label;
      table.machine = machine, table.threads = threads;
      table.shared = shared[conditions], table.uneven = uneven[conditions];
      table.references = request.references;
      for (const auto& [label, candidates] : rows) {
        table.rows.push_back(cost_row(label, candidates, request));
        if (request.wants_model(label) && several_levels(table.rows.back().runs, environments))
          table.levels.push_back(label);
      }
      set_relative_speeds(table);
      std::erase_if(table.rows, [&](const CostRow& row) { return !request.wants_model(row.model); });
      if (table.rows.empty() && table.shared + table.uneven == 0) {
        tables.pop_back();
        continue;
      }
      std::stable_sort(table.rows.begin(), table.rows.end(), [](const CostRow& a, const CostRow& b) {
        return a.examples_per_second > b.examples_per_second;
      });
    }
    std::stable_sort(
        tables.begin() + static_cast<std::ptrdiff_t>(first), tables.end(),
        [&](const auto& a, const auto& b) { return request.is_before(task_of[a.variant], task_of[b.variant]); });
  }
  return tables;
}

}  // namespace lra
