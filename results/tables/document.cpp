#include "results/tables/document.h"

#include <array>
#include <cmath>

#include "core/text.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

struct Mark {
  bool Marks::*set;
  const char* sign;
  const char* meaning;  // with {control} and {exact} for the names of these models
};

constexpr std::array kMarks{
    Mark{&Marks::above_chance, "*", "above chance: the lower end of the 95 % interval is above the majority class."},
    Mark{&Marks::uses_context, "†",
         "uses context: the lower end of the 95 % interval is above the best of majority class, first token, bag of "
         "tokens and the model `{control}`."},
    Mark{&Marks::stale, "‡", "stale: made with another revision of the model or of the engine; `lra run` repeats it."},
    Mark{&Marks::not_comparable, "§", "not comparable: fewer examples or fewer steps than the preset specifies."},
    Mark{&Marks::over_budget, "¶", "more than 10 % more parameters than `{exact}`."},
    Mark{&Marks::shared, "‖", "shared: trained while other cells ran, so its speed is not shown."},
    Mark{&Marks::uneven, "≀",
         "uneven: trained in parts under different conditions, or stopped in between, so its speed is not shown."},
    Mark{&Marks::best_of, "◊",
         "best of several settings, chosen on validation data; not comparable with untuned rows."},
};

void take(std::vector<Table>& tables, Table table) {
  if (!table.rows.empty() || !table.notes.empty()) tables.push_back(std::move(table));
}

void add_model_page(std::vector<Table>& tables, const Comparison& comparison, const Store& store,
                    const ReportRequest& request) {
  if (request.model.empty()) fail_usage("the table 'model' is the page of one model; name it with --model");
  take(tables, tabulate_facts(request.model, request));
  take(tables, tabulate_cells(request.model, comparison));
  for (const AccuracyTable& table : comparison.accuracy) {
    AccuracyTable own = table;
    own.rows.clear();
    for (Column& column : own.columns) column.best.reset(), column.comparisons.clear();
    for (const Row& row : table.rows)
      if (row.model == request.model) own.rows.push_back(row);
    for (Column& column : own.columns) column.comparisons.resize(own.rows.size());
    take(tables, tabulate_published(own));
    take(tables, tabulate_seeds(own, store));
    take(tables, tabulate_configurations(own));
  }
}

}  // namespace

std::vector<Table> tables_of(const Comparison& comparison, const Store& store, const ReportRequest& request) {
  std::vector<Table> tables;
  const auto wants = [&](const char* table) { return request.table == table || request.table == "all"; };
  if (request.table == "model") {
    add_model_page(tables, comparison, store, request);
    return tables;
  }
  for (const AccuracyTable& table : comparison.accuracy) {
    if (wants("accuracy")) take(tables, tabulate_accuracy(table));
    if (wants("differences")) take(tables, tabulate_differences(table));
    if (wants("published")) take(tables, tabulate_published(table));
  }
  if (wants("efficiency")) {
    for (const CostTable& table : comparison.costs) take(tables, tabulate_cost(table));
    for (const BenchTable& table : comparison.benches) take(tables, tabulate_speed(table));
  }
  if (wants("bench"))
    for (const BenchTable& table : comparison.benches) take(tables, tabulate_bench(table));
  for (const AccuracyTable& table : comparison.accuracy) {
    if (request.table == "seeds") take(tables, tabulate_seeds(table, store));
    if (request.table == "configurations") take(tables, tabulate_configurations(table));
  }
  if (tables.empty())
    fail_usage("{} has nothing for the table '{}': a difference needs two models on one task", store.path().string(),
               request.table);
  return tables;
}

std::string signs(const Marks& marks) {
  std::string text;
  for (const Mark& mark : kMarks)
    if (marks.*mark.set) text += mark.sign;
  return text.empty() ? "" : " " + text;
}

void Notes::add(const Marks& marks) {
  for (const Mark& mark : kMarks) seen_.*mark.set = seen_.*mark.set || marks.*mark.set;
}

void Notes::add(std::string line) {
  if (!line.empty()) lines_.push_back(std::move(line));
}

std::vector<std::string> Notes::all() const {
  std::vector<std::string> all;
  for (const Mark& mark : kMarks)
    if (seen_.*mark.set)
      all.push_back(fmt::format("`{}` ", mark.sign) + fmt::format(fmt::runtime(mark.meaning),
                                                                  fmt::arg("control", references_.control),
                                                                  fmt::arg("exact", references_.exact)));
  all.insert(all.end(), lines_.begin(), lines_.end());
  return all;
}

std::string levels_note(const std::vector<std::string>& pooled) {
  if (pooled.empty()) return {};
  return fmt::format("Pooled seeds from different instruction sets or oneDNN versions, whose bits differ: {}.",
                     joined(pooled));
}

std::string percent(double share) { return fmt::format("{:.1f}", 100 * share); }

std::string points(double difference) { return fmt::format("{:+.1f}", 100 * difference); }

std::string p_value(double p) { return std::isnan(p) ? "–" : p < 0.001 ? "< 0.001" : fmt::format("{:.3f}", p); }

std::string or_dash(bool measured, const std::string& text) { return measured ? text : "–"; }

std::string plural(long count, const char* noun) {
  return fmt::format("{} {}{}", grouped(count), noun, count == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

}  // namespace lra
