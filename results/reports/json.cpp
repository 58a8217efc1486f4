/// JSON: one object with the tables as arrays of flat rows, and every run behind them.
#include <cmath>

#include "results/tables/comparison.h"
#include "results/tables/published.h"
#include "results/tables/row.h"

namespace lra {
namespace {

Json optional_number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json marks_json(const Marks& marks) {
  return {{"stale", marks.stale},
          {"not_comparable", marks.not_comparable},
          {"over_budget", marks.over_budget},
          {"shared", marks.shared},
          {"uneven", marks.uneven},
          {"best_of", marks.best_of}};
}

template <typename Runs>
Json run_ids(const Runs& runs) {
  Json ids = Json::array();
  for (const StoredRun* run : runs) ids.push_back(run->id);
  return ids;
}

const char* word_for(Rank rank) {
  return rank == Rank::best ? "best" : rank == Rank::second ? "second" : rank == Rank::behind ? "behind" : "open";
}

/// NaN becomes null.
Json number_or_null(double value) { return std::isnan(value) ? Json() : Json(value); }

Json comparison_json(const AccuracyTable& table, const Column& column, std::size_t row) {
  const PairedComparison& comparison = *column.comparisons[row];
  const bool paired = comparison.seeds.size() > 1;
  return {{"best", table.rows[*column.best].label},
          {"other", table.rows[row].label},
          {"variant", column.variant},
          {"seeds", comparison.seeds},
          {"difference", comparison.difference},
          {"interval", paired ? Json{comparison.interval.low, comparison.interval.high} : Json()},
          {"interval_kind", comparison.interval_kind},
          {"method", comparison.method},
          {"p", number_or_null(comparison.p)},
          {"p_holm", number_or_null(comparison.adjusted)},
          {"significant", comparison.significant()},
          {"networks_p", comparison.network_p}};
}

Json published_json(const AccuracyTable& table) {
  Json all = Json::array();
  for (const Row& row : table.rows)
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      if (!row.cells[c] || row.label != row.model || !why_not_comparable(*row.cells[c]->runs.front()).empty()) continue;
      for (const Published* entry : published_range(row.model, table.columns[c].task).from)
        all.push_back({{"model", row.model},
                       {"task", entry->task},
                       {"accuracy", entry->failed ? Json() : Json(entry->accuracy)},
                       {"source", entry->source},
                       {"paper", entry->paper},
                       {"arxiv", entry->arxiv},
                       {"table", entry->table},
                       {"protocol", entry->protocol},
                       {"provenance", entry->provenance},
                       {"suspect", entry->kind == "suspect" ? Json(entry->note) : Json()}});
    }
  return all;
}

Json accuracy_json(const AccuracyTable& table) {
  Json cells = Json::array(), columns = Json::array(), averages = Json::array(), differences = Json::array();
  for (const Column& column : table.columns)
    for (std::size_t r = 0; r < column.comparisons.size(); ++r)
      if (column.comparisons[r]) differences.push_back(comparison_json(table, column, r));
  for (const Column& column : table.columns)
    columns.push_back({{"variant", column.variant},
                       {"label", column.label},
                       {"data_fingerprint", column.data_fingerprint},
                       {"test_examples", column.examples},
                       {"baselines", column.baselines},
                       {"cautions", column.cautions}});
  for (const Row& row : table.rows) {
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      if (!row.cells[c]) continue;
      const AccuracyCell& cell = *row.cells[c];
      Json object = marks_json(cell.marks);
      object.update({{"label", row.label}, {"model", row.model}, {"variant", table.columns[c].variant}, {"column", c}});
      object.update({{"seeds", cell.runs.size()}, {"runs", run_ids(cell.runs)}, {"parameters", cell.parameters}});
      object.update({{"accuracy", cell.mean}, {"deviation", cell.deviation}});
      object.update({{"interval", {cell.interval.low, cell.interval.high}}});
      object.update({{"interval_kind", cell.runs.size() == 1 ? "wilson" : "t"}});
      object.update({{"above_chance", cell.marks.above_chance}, {"uses_context", cell.marks.uses_context}});
      object.update({{"standing", word_for(cell.rank)}, {"solved", cell.solved ? Json(*cell.solved) : Json()}});
      cells.push_back(object);
    }
    Json line{{"label", row.label}, {"average", optional_number(row.average())}};
    for (std::size_t a = 0; a < row.averages.size(); ++a) line[table.averages[a]] = optional_number(row.averages[a]);
    averages.push_back(line);
  }
  return {{"preset", table.preset},
          {"columns", columns},
          {"cells", cells},
          {"average_name", table.averages.empty() ? Json() : Json(table.averages.front())},
          {"averages", averages},
          {"differences", differences},
          {"several_levels", table.levels},
          {"published", published_json(table)}};
}

Json cost_json(const CostTable& table) {
  Json rows = Json::array();
  for (const CostRow& row : table.rows) {
    Json object = marks_json(row.marks);
    object.update({{"label", row.label}, {"model", row.model}, {"runs", run_ids(row.runs)}});
    object.update({{"examples_per_second", row.examples_per_second}, {"gflops", row.gflops}});
    object.update(
        {{"peak_share", row.peak_share}, {"train_seconds", row.train_seconds}, {"peak_bytes", row.peak_bytes}});
    object.update({{"activation_bytes", row.activation_bytes}, {"parameters", row.parameters}});
    object.update({{"relative_speed", optional_number(row.relative_speed)}});
    object.update({{"relative_to_stored", optional_number(row.relative_to_stored)}});
    rows.push_back(object);
  }
  return {{"preset", table.preset},      {"variant", table.variant},
          {"label", table.label},        {"machine", table.machine},
          {"threads", table.threads},    {"shared_runs", table.shared},
          {"uneven_runs", table.uneven}, {"rows", rows}};
}

void write_json(const Store& store, const ReportRequest& request, std::ostream& out) {
  const Comparison comparison = compare_runs(store, request);
  Json report{{"schema_version", kJsonVersion}};
  for (const char* part : {"accuracy", "efficiency", "bench", "runs"}) report[part] = Json::array();
  for (const AccuracyTable& table : comparison.accuracy) report["accuracy"].push_back(accuracy_json(table));
  for (const CostTable& table : comparison.costs) report["efficiency"].push_back(cost_json(table));
  for (const BenchTable& table : comparison.benches)
    for (const BenchRow& row : table.rows) report["bench"].push_back(json_row(table, row));
  if (request.table != "bench") report["runs"] = json_rows(store, runs_of(comparison, request));
  out << report.dump(1) << '\n';
}

const RegisterReport registered{"json", "tables and runs for other programs", write_json};

}  // namespace
}  // namespace lra
