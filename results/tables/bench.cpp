#include "results/tables/bench.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "results/store/numeric_level.h"

namespace lra {

std::string bound_of(const BenchRow& row) {
  const auto arithmetic = row.values.find("peak_share"), traffic = row.values.find("bandwidth_share");
  if (arithmetic == row.values.end() || traffic == row.values.end()) return {};
  return arithmetic->second >= traffic->second ? "compute" : "memory";
}

namespace {

/// By environment id, the machine's name. If a machine has measurements at several numeric levels, the level is added,
/// because times at one level say nothing about another.
std::map<long, std::string> places_of(const std::vector<Measurement>& measurements,
                                      const std::map<long, Environment>& environments) {
  std::map<std::string, std::set<std::string>> levels;
  for (const Measurement& m : measurements) {
    const Environment& environment = environments.at(m.environment);
    levels[machine_name(environment)].insert(level_name(environment));
  }
  std::map<long, std::string> places;
  for (const auto& [row, environment] : environments) {
    const std::string machine = machine_name(environment);
    places[row] = levels[machine].size() < 2 ? machine : fmt::format("{}, {}", machine, level_name(environment));
  }
  return places;
}

}  // namespace

std::vector<BenchTable> bench_tables(const std::vector<Measurement>& measurements,
                                     const std::map<long, Environment>& environments,
                                     const ReferenceModels& references) {
  using Conditions =
      std::tuple<std::string, long, std::string, long, std::string>;  // settings, batch, machine, threads, mode
  std::map<Conditions, std::map<std::pair<std::string, long>, std::map<std::string, double>>> groups;
  const auto places = places_of(measurements, environments);
  for (const Measurement& m : measurements) {
    const std::string& place = places.at(m.environment);
    groups[{m.settings.dump(), m.batch, place, m.threads, m.mode}][{m.model, m.length}][m.metric] = m.value;
  }
  std::vector<BenchTable> tables;
  for (const auto& [conditions, rows] : groups) {
    BenchTable& table = tables.emplace_back();
    table.settings = Json::parse(std::get<0>(conditions)), table.references = references;
    std::tie(std::ignore, table.batch, table.machine, table.threads, table.mode) = conditions;
    for (const auto& [model_and_length, values] : rows) {
      BenchRow& row = table.rows.emplace_back();
      std::tie(row.model, row.length) = model_and_length;
      row.values = values;
      const auto speed_up = [&row, &others = rows,
                             &row_values = values](const std::string& model) -> std::optional<double> {
        const auto reference = others.find({model, row.length});
        if (reference == others.end() || !reference->second.count("median_ms") || !row_values.count("median_ms"))
          return std::nullopt;
        return reference->second.at("median_ms") / row_values.at("median_ms");
      };
      row.speed_up = speed_up(references.exact);
      row.speed_up_to_stored = speed_up(references.materialized_row());
    }
  }
  return tables;
}

}  // namespace lra
