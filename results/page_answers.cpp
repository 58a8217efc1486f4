#include <algorithm>
#include <cmath>

#include "results/page.h"
#include "results/text_table.h"

namespace lra {
namespace {

/// Not shown to be worse than the best row on any task: not significantly where seeds allow a test, and with
/// overlapping intervals where they do not.
bool ties_with(const Row& best, const Row& row, const std::vector<std::optional<Contest>>& contests) {
  for (std::size_t c = 0; c < row.cells.size(); ++c) {
    if (!row.cells[c] || !best.cells[c] || !contests[c]) return false;
    if (contests[c]->seeds.size() > 1 && contests[c]->significant() && contests[c]->difference > 0) return false;
    if (contests[c]->seeds.size() < 2 && row.cells[c]->interval.high < best.cells[c]->interval.low) return false;
  }
  return true;
}

std::string code(const std::string& label) { return fmt::format("`{}`", label); }

std::string score(const AccuracyTable& table, const Row& row) {
  const std::string name = table.columns.size() == 1 ? table.columns[0].label : table.averages[0];
  return fmt::format("{} % {} {}", percent(*row.averages[0]), table.columns.size() == 1 ? "on" : "in", name);
}

std::string speed_words(const Speeds& speeds, const std::string& label) {
  const double speed = speeds.by_label.at(label);
  return speeds.relative ? fmt::format("{}× `transformer`'s speed", three_digits(speed))
                         : fmt::format("{} examples/s", three_digits(speed));
}

Answer best_answer(const AccuracyTable& table, const Row& best, const std::vector<const Row*>& tied) {
  Answer answer{"Who is best?", fmt::format("{} reaches {}", code(best.label), score(table, best))};
  if (table.rows.size() < 2)
    answer.sentence += "; it has no rival here.";
  else if (table.fewest_seeds < 2)
    answer.sentence += ", but with one seed nothing is significant.";
  else if (tied.empty())
    answer.sentence += ", and is on some task significantly better than each other model.";
  else
    answer.sentence += fmt::format("; {} {} not significantly behind.", plural(long(tied.size()), "other model"),
                                   tied.size() == 1 ? "is" : "are");
  return answer;
}

Answer fastest_answer(const AccuracyTable& table, const Speeds& speeds, const Row& best,
                      const std::vector<const Row*>& tied) {
  Answer answer{"Who is fastest among the best?", {}};
  const Row* fastest = speeds.by_label.count(best.label) ? &best : nullptr;
  for (const Row* row : tied)
    if (speeds.by_label.count(row->label) &&
        (!fastest || speeds.by_label.at(row->label) > speeds.by_label.at(fastest->label)))
      fastest = row;
  if (!fastest)
    answer.sentence =
        "No timing is stored of those that tie with the best; timings taken while other cells ran do not count.";
  else
    answer.sentence =
        fmt::format("{} trains at {}{}.", code(fastest->label), speed_words(speeds, fastest->label),
                    tied.empty() ? "; no other ties with it"
                    : table.fewest_seeds < 2
                        ? fmt::format(", of {} whose intervals overlap", plural(long(tied.size() + 1), "model"))
                        : fmt::format(", of {} that tie", plural(long(tied.size() + 1), "model")));
  return answer;
}

Answer cheapest_answer(const AccuracyTable& table) {
  Answer answer{"Who is cheapest past the baselines?", {}};
  const Row* cheapest = nullptr;
  double least = 0;
  for (const Row& row : table.rows) {
    double seconds = 0;
    const bool past = std::all_of(row.cells.begin(), row.cells.end(), [&](const std::optional<AccuracyCell>& cell) {
      if (!cell || !cell->marks.uses_context || !cell->marks.timed()) return false;
      for (const Run* run : cell->runs) seconds += run->train_seconds / static_cast<double>(cell->runs.size());
      return true;
    });
    if (past && seconds > 0 && (!cheapest || seconds < least)) cheapest = &row, least = seconds;
  }
  const std::string everywhere = table.columns.size() == 1 ? table.columns[0].label : "every task";
  answer.sentence = cheapest ? fmt::format("{} is past every baseline on {} after {} of training a seed.",
                                           code(cheapest->label), everywhere, human_seconds(least))
                             : fmt::format("No model is past every baseline on {}.", everywhere);
  return answer;
}

}  // namespace

std::vector<Answer> answers(const AccuracyTable& table, const Comparison& comparison) {
  const auto best = std::find_if(table.rows.begin(), table.rows.end(), [](const Row& row) {
    return row.averages.front() && std::none_of(row.cells.begin(), row.cells.end(), [](const auto& cell) {
             return cell && (cell->marks.stale || cell->marks.not_comparable);
           });
  });
  if (best == table.rows.end())
    return {
        {"Who is best?",
         "No model has a result on every task that is comparable and of this revision; `lra run` completes the table."},
        {"Who is fastest among the best?", "That takes a best one."},
        cheapest_answer(table)};
  const auto place = static_cast<std::size_t>(best - table.rows.begin());
  const auto contests = contests_with(table, place, comparison.hits, 0);
  std::vector<const Row*> tied;
  for (std::size_t r = 0; r < table.rows.size(); ++r)
    if (r != place && ties_with(*best, table.rows[r], contests[r])) tied.push_back(&table.rows[r]);
  return {best_answer(table, *best, tied), fastest_answer(table, speeds_of(table, comparison.costs), *best, tied),
          cheapest_answer(table)};
}

Speeds speeds_of(const AccuracyTable& table, const std::vector<CostTable>& costs) {
  using Place = std::pair<std::string, long>;  // machine, threads
  std::map<Place, std::vector<const CostTable*>> places;
  std::map<Place, std::size_t> timed;
  for (const CostTable& cost : costs) {
    if (cost.preset != table.preset) continue;
    places[{cost.machine, cost.threads}].push_back(&cost);
    timed[{cost.machine, cost.threads}] += cost.rows.size();
  }
  const auto most =
      std::max_element(timed.begin(), timed.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  Speeds speeds;
  if (most == timed.end()) return speeds;
  const auto& tables = places.at(most->first);
  speeds.relative = std::all_of(tables.begin(), tables.end(), [](const CostTable* cost) {
    return cost->rows.empty() || cost->rows.front().relative_speed.has_value();
  });
  std::map<std::string, std::pair<double, std::size_t>> logarithms;
  for (const CostTable* cost : tables)
    for (const CostRow& row : cost->rows) {
      const double speed = speeds.relative ? row.relative_speed.value_or(0) : row.examples_per_second;
      if (speed <= 0) continue;
      logarithms[row.label].first += std::log(speed);
      ++logarithms[row.label].second;
    }
  std::vector<std::string> variants;
  for (const Column& column : table.columns)
    if (std::find(variants.begin(), variants.end(), column.variant) == variants.end())
      variants.push_back(column.variant);
  for (const auto& [label, sum] : logarithms)
    if (sum.second == variants.size()) speeds.by_label[label] = std::exp(sum.first / static_cast<double>(sum.second));
  return speeds;
}

std::optional<double> fitted_exponent(const std::vector<std::pair<double, double>>& points) {
  double x_mean = 0, y_mean = 0;
  for (const auto& [x, y] : points) x_mean += std::log(x), y_mean += std::log(y);
  const double n = static_cast<double>(points.size());
  x_mean /= n, y_mean /= n;
  double xx = 0, xy = 0;
  for (const auto& [x, y] : points) {
    xx += (std::log(x) - x_mean) * (std::log(x) - x_mean);
    xy += (std::log(x) - x_mean) * (std::log(y) - y_mean);
  }
  if (points.size() < 2 || xx <= 0) return std::nullopt;
  return xy / xx;
}

std::vector<bool> pareto_front(const std::vector<std::pair<double, double>>& points) {
  std::vector<bool> front;
  for (const auto& [speed, score] : points) {
    bool beaten = false;
    for (const auto& [other_speed, other_score] : points)
      beaten = beaten || (other_speed >= speed && other_score >= score && (other_speed > speed || other_score > score));
    front.push_back(!beaten);
  }
  return front;
}

}  // namespace lra
