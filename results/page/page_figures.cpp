#include <algorithm>
#include <cmath>
#include <set>

#include "results/page/page.h"

namespace lra {
namespace {

/// Rounds to six significant digits, which a chart can show and on which all mathematical libraries agree.
double rounded(double value) { return std::stod(fmt::format("{:.6g}", value)); }

Json optional_percent(const Column& column) {
  const auto found = column.baselines.find("majority");
  return found == column.baselines.end() ? Json() : Json(rounded(100 * found->second));
}

/// Speed, score and memory, as in LRA's figure 3.
Json bubble(const AccuracyTable& table, const Comparison& comparison) {
  const Speeds speeds = speeds_of(table, comparison.costs);
  Json points = Json::array();
  std::vector<std::pair<double, double>> places;
  std::set<std::string> references;
  for (const Row& row : table.rows) {
    const auto speed = speeds.by_label.find(row.label);
    if (!row.average() || speed == speeds.by_label.end()) continue;
    std::int64_t peak = 0;
    for (const auto& cell : row.cells)
      for (const StoredRun* run : cell ? cell->runs : std::vector<const StoredRun*>())
        peak = std::max(peak, run->peak_bytes);
    const double score = 100 * *row.average();
    points.push_back(
        {{"label", row.label}, {"speed", rounded(speed->second)}, {"score", rounded(score)}, {"bytes", peak}});
    places.emplace_back(speed->second, score);
    references.insert(speeds.references.at(row.label));
  }
  const std::string reference =
      references.size() == 1 ? *references.begin() : table.references.exact + " with the same settings";
  const auto front = pareto_front(places);
  for (std::size_t i = 0; i < points.size(); ++i) points[i]["front"] = bool(front[i]);
  const std::string score = table.columns.size() == 1 ? fmt::format("accuracy on {}, %", table.columns[0].label)
                            : table.averages.empty()  ? ""
                                                      : table.averages[0] + ", %";
  return {{"kind", "bubble"},
          {"title", fmt::format("Accuracy against speed, preset {}", table.preset)},
          {"caption",
           "Right is faster, up is more accurate, the area is peak memory in training; the dashed line joins "
           "the models that no other beats in both (Pareto front)."},
          {"x", speeds.relative ? fmt::format("training speed, {} = 1", reference) : "examples/s in training"},
          {"y", score},
          {"points", points}};
}

/// Validation accuracy by step, the mean over the seeds that have a value at the step.
Json curves(const AccuracyTable& table, std::size_t c, const std::map<long, std::vector<Metric>>& history) {
  Json series = Json::array();
  for (const Row& row : table.rows) {
    if (!row.cells[c]) continue;
    std::map<long, std::pair<double, double>> by_step;  // sum, number
    for (const StoredRun* run : row.cells[c]->runs)
      if (const auto found = history.find(run->id); found != history.end())
        for (const Metric& metric : found->second)
          if (std::isfinite(metric.value)) by_step[metric.step].first += metric.value, by_step[metric.step].second += 1;
    Json points = Json::array();
    for (const auto& [step, sum] : by_step) points.push_back({step, rounded(100 * sum.first / sum.second)});
    if (!points.empty()) series.push_back({{"label", row.label}, {"points", points}});
  }
  const Column& column = table.columns[c];
  return {{"kind", "curves"},
          {"title", fmt::format("Learning on {}, preset {}", column.label, table.preset)},
          {"caption", "Mean over seeds."},
          {"majority", optional_percent(column)},
          {"series", series}};
}

Json seeds(const AccuracyTable& table, std::size_t c) {
  Json series = Json::array();
  for (const Row& row : table.rows) {
    if (!row.cells[c]) continue;
    Json values = Json::array();
    for (const StoredRun* run : row.cells[c]->runs) values.push_back({run->seed, rounded(100 * accuracy(*run))});
    series.push_back({{"label", row.label}, {"values", values}});
  }
  const Column& column = table.columns[c];
  return {{"kind", "seeds"},
          {"title", fmt::format("Every seed on {}, preset {}", column.label, table.preset)},
          {"caption", "One dot per trained network; the dashed line is the majority class."},
          {"majority", optional_percent(column)},
          {"series", series}};
}

/// The exponent that the model declares; null for a row with overrides, for which nothing is declared.
Json declared_exponent(const std::string& label, double ModelText::*exponent, const ReportRequest& request) {
  for (const ModelText& facts : request.models)
    if (facts.name == label && facts.*exponent > 0) return facts.*exponent;
  return nullptr;
}

Json scaling(const BenchTable& table, const char* metric, const ReportRequest& request) {
  const bool is_bytes = std::string_view(metric) != "median_ms";
  std::map<std::string, std::vector<std::pair<double, double>>> lines;
  for (const BenchRow& row : table.rows)
    if (const auto found = row.values.find(metric); found != row.values.end() && found->second > 0)
      lines[row.model].emplace_back(static_cast<double>(row.length), found->second);
  Json series = Json::array();
  for (const auto& [label, points] : lines) {
    const auto exponent = fitted_exponent(points);
    series.push_back(
        {{"label", label},
         {"points", points},
         {"exponent", exponent ? Json(rounded(*exponent)) : Json()},
         {"declared",
          declared_exponent(label, is_bytes ? &ModelText::memory_exponent : &ModelText::exponent, request)}});
  }
  return {
      {"kind", "scaling"},
      {"bytes", is_bytes},
      {"title",
       fmt::format("{} against length, {}, batch {}", is_bytes ? "Memory" : "Time per step", table.mode, table.batch)},
      {"caption", fmt::format("Both axes are logarithmic. N^b: the exponent fitted to the points of the whole model; "
                              "in brackets the declared exponent of the {} of its mixing alone, which the fit "
                              "approaches as the length grows.",
                              is_bytes ? "memory" : "operations")},
      {"y", is_bytes ? "peak memory" : "milliseconds per step"},
      {"series", series}};
}

}  // namespace

Json figures_of(const Comparison& comparison, const Store& store, const ReportRequest& request) {
  Json all = Json::array();
  const auto take = [&all](const char* group, Json figure) {
    const char* content = figure.contains("points") ? "points" : "series";
    if (figure.at(content).empty()) return;
    figure["group"] = group;
    figure["id"] = fmt::format("figure-{}", all.size() + 1);
    all.push_back(std::move(figure));
  };
  std::vector<std::string> labels;
  for (const AccuracyTable& table : comparison.accuracy)
    for (const Row& row : table.rows)
      if (std::find(labels.begin(), labels.end(), row.label) == labels.end()) labels.push_back(row.label);
  std::sort(labels.begin(), labels.end());  // so that a model has one colour in all charts of the page
  const auto history =
      comparison.accuracy.empty() ? std::map<long, std::vector<Metric>>() : store.series("valid", "accuracy");
  for (const AccuracyTable& table : comparison.accuracy) take("bubble", bubble(table, comparison));
  for (const AccuracyTable& table : comparison.accuracy)
    for (std::size_t c = 0; c < table.columns.size(); ++c) take("curves", curves(table, c, history));
  for (const AccuracyTable& table : comparison.accuracy)
    for (std::size_t c = 0; c < table.columns.size(); ++c) take("seeds", seeds(table, c));
  for (const BenchTable& table : comparison.benches)
    for (const char* metric : {"median_ms", "peak_bytes"}) take("scaling", scaling(table, metric, request));
  return {{"models", labels}, {"figures", all}};
}

}  // namespace lra
