/// The HTML report: one file that needs no network.
#pragma once

#include <string>
#include <vector>

#include "results/tables/document.h"

namespace lra {

/// What a reader asks first, answered.
struct Answer {
  std::string question, sentence;  // the sentence may hold `code`
};

/// Three of one preset: who is best; who is fastest among those that tie with it; who is cheapest among those that are
/// past every baseline on every task.
std::vector<Answer> answers(const AccuracyTable& table, const Comparison& comparison);

/// Speed of each row in training: the geometric mean over tasks of examples/s relative to exact attention; where it did
/// not run, of examples/s themselves. Only rows with a timing on every task of the table, on the machine most were
/// timed on.
struct Speeds {
  std::map<std::string, double> by_label;
  std::map<std::string, std::string> references;  // by label: the row that it is relative to
  bool relative = false;
};
Speeds speeds_of(const AccuracyTable& table, const std::vector<CostTable>& costs);

/// b of the least-squares line log y = a + b log x; nothing with fewer than two distinct x.
std::optional<double> fitted_exponent(const std::vector<std::pair<double, double>>& points);

/// The figures, as page.js draws them: {"models": […], "figures": [{id, kind, title, caption, …}]}.
Json figures_of(const Comparison& comparison, const Store& store, const ReportRequest& request);

/// The rows none of which is beaten in both: (speed, score), more is better.
std::vector<bool> pareto_front(const std::vector<std::pair<double, double>>& points);

std::string html_page(const Comparison& comparison, const Store& store, const ReportRequest& request);

}  // namespace lra
