#include <algorithm>
#include <cmath>

#include "results/page/page.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

/// How another model compares with the best.
enum class Standing {
  behind,     // significantly worse on some task
  tied,       // tested on every task, and on none significantly worse
  close,      // too few common seeds for a test on some task; the intervals there overlap
  apart,      // too few common seeds for a test; the intervals do not overlap
  uncompared  // no comparable result on some task
};

Standing standing_of(const Row& best, const Row& row, const std::vector<std::optional<PairedComparison>>& comparisons) {
  Standing standing = Standing::tied;
  for (std::size_t c = 0; c < row.cells.size(); ++c) {
    if (!row.cells[c] || !best.cells[c] || !comparisons[c]) return Standing::uncompared;
    if (comparisons[c]->significant() && comparisons[c]->difference > 0) return Standing::behind;
    if (comparisons[c]->seeds.size() > 1) continue;
    if (row.cells[c]->interval.high < best.cells[c]->interval.low)
      standing = Standing::apart;
    else if (standing == Standing::tied)
      standing = Standing::close;
  }
  return standing;
}

/// The best row and how the others compare with it. The control is kept separately.
struct Ranking {
  const Row* best = nullptr;
  std::map<Standing, std::vector<const Row*>> others;
  const Row* control = nullptr;
  Standing of_control = Standing::uncompared;

  long count(Standing standing) const {
    return others.count(standing) ? static_cast<long>(others.at(standing).size()) : 0;
  }
  /// The rows that may be as good as the best, and the best itself.
  std::vector<const Row*> candidates() const {
    std::vector<const Row*> all{best};
    for (const Standing standing : {Standing::tied, Standing::close})
      if (others.count(standing)) all.insert(all.end(), others.at(standing).begin(), others.at(standing).end());
    return all;
  }
};

Ranking ranking_of(const AccuracyTable& table, std::size_t best,
                   const std::map<long, CorrectExamples>& correct_examples) {
  const auto comparisons = comparisons_with(table, best, correct_examples, 0);
  Ranking ranking;
  ranking.best = &table.rows[best];
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    if (r == best) continue;
    const Standing standing = standing_of(*ranking.best, table.rows[r], comparisons[r]);
    if (table.rows[r].is_control)
      ranking.control = &table.rows[r], ranking.of_control = standing;
    else
      ranking.others[standing].push_back(&table.rows[r]);
  }
  return ranking;
}

std::string code(const std::string& label) { return fmt::format("`{}`", label); }

std::string score(const AccuracyTable& table, const Row& row) {
  const std::string name = table.columns.size() == 1 ? table.columns[0].label : table.averages[0];
  return fmt::format("{} % {} {}", percent(*row.average()), table.columns.size() == 1 ? "on" : "in", name);
}

std::string speed_words(const Speeds& speeds, const std::string& label) {
  const double speed = speeds.by_label.at(label);
  return speeds.relative ? fmt::format("{}× {}'s speed", three_digits(speed), code(speeds.references.at(label)))
                         : fmt::format("{} examples/s", three_digits(speed));
}

const char* is_or_are(long count) { return count == 1 ? "is" : "are"; }

std::string rivals_words(const AccuracyTable& table, const Ranking& ranking) {
  const long tied = ranking.count(Standing::tied),
             unclear = ranking.count(Standing::close) + ranking.count(Standing::apart);
  const long compared = ranking.count(Standing::behind) + tied + unclear,
             uncompared = ranking.count(Standing::uncompared);
  if (compared + uncompared == 0) return "; there is no other model here";
  std::string words;
  if (compared > 0 && tied + unclear == 0)
    words = fmt::format(", and is significantly better than {} on some task",
                        uncompared ? "each model that can be compared" : "each other model");
  else if (tied > 0)
    words = fmt::format("; {} {} not significantly behind", plural(tied, "other model"), is_or_are(tied));
  if (unclear > 0 && table.evidence.tests == 0)
    words = table.evidence.many_seeds ? ", but no two seeds are common, so nothing is significant"
                                      : ", but with one seed nothing is significant";
  else if (unclear > 0)
    words += fmt::format("; {} {} too few common seeds for a test", plural(unclear, "other model"),
                         unclear == 1 ? "has" : "have");
  if (uncompared > 0)
    words += fmt::format("; {} {} not compared because a comparable result is missing on some task",
                         plural(uncompared, "other model"), is_or_are(uncompared));
  return words;
}

Answer best_answer(const AccuracyTable& table, const Ranking& ranking) {
  Answer answer{"Which model is best?", fmt::format("{} reaches {}{}.", code(ranking.best->label),
                                                    score(table, *ranking.best), rivals_words(table, ranking))};
  if (ranking.control && ranking.control->average() && *ranking.control->average() > *ranking.best->average())
    answer.sentence += fmt::format(" The control {}, which mixes no tokens, reaches {}.", code(ranking.control->label),
                                   score(table, *ranking.control));
  else if (ranking.control && ranking.of_control == Standing::tied)
    answer.sentence += fmt::format(" The control {}, which mixes no tokens, is not significantly behind.",
                                   code(ranking.control->label));
  return answer;
}

Answer fastest_answer(const Speeds& speeds, const Ranking& ranking) {
  Answer answer{"Which is fastest among the best?", {}};
  const auto candidates = ranking.candidates();
  const Row* fastest = nullptr;
  std::size_t timed = 0;
  for (const Row* row : candidates) {
    if (!speeds.by_label.count(row->label)) continue;
    ++timed;
    if (!fastest || speeds.by_label.at(row->label) > speeds.by_label.at(fastest->label)) fastest = row;
  }
  if (!fastest) {
    answer.sentence =
        "No timing is stored for the models that tie with the best; timings taken while other cells ran do not count.";
    return answer;
  }
  const long tied = ranking.count(Standing::tied), close = ranking.count(Standing::close),
             apart = ranking.count(Standing::apart);
  std::string among;
  if (candidates.size() > 1)
    among = fmt::format(", the fastest of {} {}", plural(long(candidates.size()), "model"),
                        close == 0  ? "that tie"
                        : tied == 0 ? "whose intervals overlap"
                                    : "that tie or whose intervals overlap");
  else if (apart + ranking.count(Standing::behind) > 0)
    among = apart > 0 ? "; no other's interval overlaps its own" : "; no other ties with it";
  if (timed < candidates.size()) among += fmt::format(" ({} of them timed)", timed);
  answer.sentence = fmt::format("{} trains at {}{}.", code(fastest->label), speed_words(speeds, fastest->label), among);
  return answer;
}

/// The training time of a row summed over tasks, mean over seeds; absent if a timing is missing or does not count.
std::optional<double> training_seconds(const Row& row) {
  double seconds = 0;
  for (const auto& cell : row.cells) {
    if (!cell->marks.timed()) return std::nullopt;
    for (const StoredRun* run : cell->runs) seconds += run->train_seconds / static_cast<double>(cell->runs.size());
  }
  return seconds > 0 ? std::optional(seconds) : std::nullopt;
}

Answer cheapest_answer(const AccuracyTable& table) {
  const std::string everywhere = table.columns.size() == 1 ? table.columns[0].label : "every task";
  const Row* cheapest = nullptr;
  double least = 0;
  long judged = 0, past = 0;
  for (const Row& row : table.rows) {
    const auto all = [&](auto&& is) { return std::all_of(row.cells.begin(), row.cells.end(), is); };
    if (row.is_control || !all([](const auto& cell) { return cell && !cell->marks.not_comparable; })) continue;
    ++judged;
    if (!all([](const auto& cell) { return cell->marks.uses_context; })) continue;
    ++past;
    const auto seconds = training_seconds(row);
    if (seconds && (!cheapest || *seconds < least)) cheapest = &row, least = *seconds;
  }
  std::vector<std::string> unknown;
  for (const Column& column : table.columns)
    if (!column.baselines.count("majority")) unknown.push_back(column.label);
  Answer answer{"Which is cheapest above the baselines?", {}};
  if (cheapest)
    answer.sentence = fmt::format("{} beats every baseline on {} after {} of training per seed.", code(cheapest->label),
                                  everywhere, human_seconds(least));
  else if (past > 0)
    answer.sentence = fmt::format("{} {} every baseline on {}, but without a timing that counts.",
                                  plural(past, "model"), past == 1 ? "beats" : "beat", everywhere);
  else if (!unknown.empty())
    answer.sentence = fmt::format("No baselines are stored for {}.", joined(unknown));
  else if (judged == 0)
    answer.sentence = fmt::format("No model has a comparable result on {}.", everywhere);
  else
    answer.sentence = fmt::format("No model beats every baseline on {}.", everywhere);
  return answer;
}

}  // namespace

std::vector<Answer> answers(const AccuracyTable& table, const Comparison& comparison) {
  if (table.averages.empty())
    return {{"Which model is best?",
             "There is no average because one task would count several times, so no model is best over all columns."},
            cheapest_answer(table)};
  const auto best = std::find_if(table.rows.begin(), table.rows.end(), [](const Row& row) {
    return !row.is_control && row.average() && std::none_of(row.cells.begin(), row.cells.end(), [](const auto& cell) {
      return cell && (cell->marks.stale || cell->marks.not_comparable);
    });
  });
  if (best == table.rows.end())
    return {{"Which model is best?",
             "No model has a comparable result of the present revision on every task; `lra run` completes the table."},
            {"Which is fastest among the best?", "There is no best model yet."},
            cheapest_answer(table)};
  const Ranking ranking =
      ranking_of(table, static_cast<std::size_t>(best - table.rows.begin()), comparison.correct_examples);
  return {best_answer(table, ranking), fastest_answer(speeds_of(table, comparison.costs), ranking),
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
      speeds.references[row.label] = row.reference;
    }
  for (const auto& [label, sum] : logarithms)
    if (sum.second == table.columns.size())
      speeds.by_label[label] = std::exp(sum.first / static_cast<double>(sum.second));
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
