/// The HTML report: one self-contained file.
#pragma once

#include <string>
#include <vector>

#include "results/tables/document.h"

namespace lra {

/// A question that readers ask first, and its answer.
struct Answer {
  std::string question, sentence;  // the sentence may contain `code`
};

/// Answers for one preset: which model is best, which is fastest among those that tie with it (left out when the table
/// has no average), and which is cheapest among those that beat every baseline on every task.
std::vector<Answer> answers(const AccuracyTable& table, const Comparison& comparison);

/// The training speed of each row: the geometric mean over tasks of examples/s relative to exact attention, or of
/// examples/s where exact attention was not timed. Contains only rows with a timing on every task of the table, from
/// the machine and number of threads with the most timings.
struct Speeds {
  std::map<std::string, double> by_label;
  std::map<std::string, std::string> references;  // by label: the label of the reference row
  bool relative = false;                          // whether speeds are relative to exact attention
};
Speeds speeds_of(const AccuracyTable& table, const std::vector<CostTable>& costs);

/// The slope b of the least-squares line log y = a + b log x; absent with fewer than two distinct x.
std::optional<double> fitted_exponent(const std::vector<std::pair<double, double>>& points);

/// The input of page.js: {"models": […], "figures": [{id, kind, title, caption, …}]}.
Json figures_of(const Comparison& comparison, const Store& store, const ReportRequest& request);

/// For each point (speed, score), whether it is on the Pareto front: no other point is at least as good in both and
/// better in one.
std::vector<bool> pareto_front(const std::vector<std::pair<double, double>>& points);

/// The whole page as HTML.
std::string html_page(const Comparison& comparison, const Store& store, const ReportRequest& request);

}  // namespace lra
