#include "results/tables/accuracy.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>

#include "results/store/numeric_level.h"
#include "results/tables/versions.h"

namespace lra {
namespace {

AccuracyCell cell_of(const std::vector<const StoredRun*>& candidates, const ReportRequest& request) {
  AccuracyCell cell;
  cell.runs = select_configuration(candidates, request);
  std::vector<double> accuracies;
  for (const StoredRun* run : cell.runs) {
    accuracies.push_back(accuracy(*run));
    cell.parameters = std::max(cell.parameters, run->parameters);
  }
  cell.mean = mean(accuracies);
  cell.deviation = standard_deviation(accuracies);
  const StoredRun& first = *cell.runs.front();
  cell.interval =
      cell.runs.size() == 1 ? wilson_interval(first.test_correct, first.test_examples) : t_interval(accuracies);
  cell.marks = marks_of(cell.runs, request);
  return cell;
}

/// The cell in this column that a row is compared with (see reference_label).
const AccuracyCell* reference_cell(const AccuracyTable& table, const std::string& reference, const std::string& label,
                                   std::size_t column) {
  std::vector<std::string> labels;
  for (const Row& row : table.rows)
    if (row.cells[column]) labels.push_back(row.label);
  const std::string found = reference_label(table.references, reference, label, labels);
  for (const Row& row : table.rows)
    if (!found.empty() && row.label == found) return &*row.cells[column];
  return nullptr;
}

/// The maximum probability that a cell at chance counts any seed as solved. Each seed is a separate test, so it is held
/// to this level divided by the number of seeds (Bonferroni).
constexpr double kSolvedByChance = 0.025;

void mark_against_baselines(AccuracyTable& table, std::size_t c) {
  Column& column = table.columns[c];
  const auto majority = column.baselines.find("majority");
  if (majority == column.baselines.end()) return;
  double without_context = 0;
  for (const auto& [name, value] : column.baselines) without_context = std::max(without_context, value);
  for (Row& row : table.rows) {
    if (!row.cells[c] || row.cells[c]->marks.not_comparable) continue;  // possibly tested on other examples
    AccuracyCell& cell = *row.cells[c];
    const AccuracyCell* control = reference_cell(table, table.references.control, row.label, c);
    const bool has_control = control && !control->marks.not_comparable;
    const double least = has_control ? std::max(without_context, control->mean) : without_context;
    column.has_control = column.has_control || has_control;
    cell.marks.above_chance = cell.interval.low > majority->second;
    const double level = kSolvedByChance / static_cast<double>(cell.runs.size());
    cell.solved = std::count_if(cell.runs.begin(), cell.runs.end(), [&](const StoredRun* run) {
      return binomial_upper_tail(run->test_correct, run->test_examples, majority->second) <= level;
    });
    cell.marks.uses_context = cell.interval.low > least;
  }
}

void mark_over_budget(AccuracyTable& table, std::size_t c) {
  for (Row& row : table.rows)
    if (const AccuracyCell* reference = reference_cell(table, table.references.exact, row.label, c);
        reference && row.cells[c])
      row.cells[c]->marks.over_budget =
          static_cast<double>(row.cells[c]->parameters) > parameter_budget(reference->parameters);
}

/// Whether a cell takes part in comparisons: it is comparable and of the present revision.
bool may_lead(const std::optional<AccuracyCell>& cell) {
  return cell && !cell->marks.not_comparable && !cell->marks.stale;
}

std::optional<std::size_t> best_row(const AccuracyTable& table, std::size_t c) {
  std::optional<std::size_t> best;
  for (std::size_t r = 0; r < table.rows.size(); ++r)
    if (may_lead(table.rows[r].cells[c]) && (!best || table.rows[r].cells[c]->mean > table.rows[*best].cells[c]->mean))
      best = r;
  return best;
}

std::optional<double> median_detectable(const Column& column) {
  std::vector<double> all;
  for (const auto& comparison : column.comparisons)
    if (comparison && comparison->seeds.size() > 1)
      all.push_back(detectable_difference(comparison->deviation, comparison->seeds.size()));
  if (all.empty()) return std::nullopt;
  std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
  return all[all.size() / 2];
}

void set_ranks(AccuracyTable& table, std::size_t c) {
  const Column& column = table.columns[c];
  const auto worse = [&](std::size_t r) { return column.comparisons[r] && column.comparisons[r]->significant(); };
  std::optional<std::size_t> second;
  for (std::size_t r = 0; r < table.rows.size(); ++r)
    if (worse(r) && (!second || table.rows[r].cells[c]->mean > table.rows[*second].cells[c]->mean)) second = r;
  if (!second) return;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    if (!table.rows[r].cells[c]) continue;
    // A row with fewer than two seeds in common with the best was not tested, so it does not count as tied.
    const bool ties = column.comparisons[r] && column.comparisons[r]->seeds.size() > 1 && !worse(r);
    table.rows[r].cells[c]->rank = r == column.best || ties ? Rank::best : r == *second ? Rank::second : Rank::behind;
  }
}

/// Compares the best of each column with the others in it, with Holm's correction over the whole table.
void compare_with_best(AccuracyTable& table, const std::map<long, CorrectExamples>& correct_examples) {
  constexpr long kSeedDraws = 300'000;  // over all bootstraps, which bounds the time per table
  long pairs = 0;
  for (const Row& row : table.rows)
    for (const auto& cell : row.cells)
      if (cell) pairs += static_cast<long>(cell->runs.size());
  const long replicates = std::clamp(kSeedDraws / std::max(1L, pairs), 100L, 2000L);
  std::vector<PairedComparison*> family;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    Column& column = table.columns[c];
    column.best = best_row(table, c);
    column.comparisons.resize(table.rows.size());
    for (std::size_t r = 0; column.best && r < table.rows.size(); ++r) {
      if (r == *column.best || !may_lead(table.rows[r].cells[c])) continue;
      const auto& best = *table.rows[*column.best].cells[c];
      column.comparisons[r] = compare_paired(best.runs, table.rows[r].cells[c]->runs, correct_examples, replicates);
      family.push_back(&*column.comparisons[r]);
    }
  }
  adjust(family);
  table.evidence = evidence_of({family.begin(), family.end()});
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    table.detectable.push_back(median_detectable(table.columns[c]));
    set_ranks(table, c);
  }
}

/// The columns of these tasks; empty unless each task has exactly one.
std::vector<std::size_t> columns_of_tasks(const AccuracyTable& table, const std::vector<std::string>& tasks) {
  std::vector<std::size_t> places;
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    if (std::find(tasks.begin(), tasks.end(), table.columns[c].task) != tasks.end()) places.push_back(c);
  std::set<std::string> distinct;
  for (const std::size_t c : places) distinct.insert(table.columns[c].task);
  return places.size() == tasks.size() && distinct.size() == tasks.size() ? places : std::vector<std::size_t>();
}

/// The mean over these columns. On the task `may_fail`, a row without a result above chance counts as 50 %. Absent when
/// another task is missing or not comparable.
std::optional<double> average(const Row& row, const AccuracyTable& table, const std::vector<std::size_t>& places,
                              const std::string& may_fail) {
  double sum = 0;
  for (const std::size_t c : places) {
    if (table.columns[c].task == may_fail && (row.failed[c] || (row.cells[c] && !row.cells[c]->marks.above_chance)))
      sum += 0.5;
    else if (row.cells[c] && !row.cells[c]->marks.not_comparable)
      sum += row.cells[c]->mean;
    else
      return std::nullopt;
  }
  return sum / static_cast<double>(places.size());
}

/// The name of the mean over all columns, distinct from the named averages.
std::string name_of_mean(std::size_t columns, const std::vector<NamedAverage>& named) {
  const std::string name = fmt::format("avg{}", columns);
  const bool is_taken = std::any_of(named.begin(), named.end(), [&](const NamedAverage& average) {
    return average.name == name || average.name.starts_with(name + "_");
  });
  return is_taken ? name + "_own" : name;
}

void average_and_sort(AccuracyTable& table, const std::vector<NamedAverage>& named) {
  const auto add = [&](const NamedAverage& mean, const std::vector<std::size_t>& places) {
    table.averages.push_back(mean.name), table.average_meanings.push_back(mean.meaning);
    for (Row& row : table.rows) row.averages.push_back(average(row, table, places, mean.may_fail));
  };
  std::set<std::string> tasks;
  for (const Column& column : table.columns) tasks.insert(column.task);
  if (tasks.size() == table.columns.size()) {  // otherwise a task would count twice
    for (const NamedAverage& mean : named)
      if (const auto places = columns_of_tasks(table, mean.tasks); !places.empty()) add(mean, places);
    if (table.averages.empty()) {
      std::vector<std::size_t> all(table.columns.size());
      std::iota(all.begin(), all.end(), std::size_t{0});
      add({name_of_mean(all.size(), named), "", {}}, all);
    }
  }
  const auto rank = [&table](const Row& row) {
    if (!table.averages.empty()) return row.average().value_or(-1);
    return !row.cells.empty() && row.cells.front() ? row.cells.front()->mean : -1;
  };
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const Row& a, const Row& b) { return rank(a) > rank(b); });
}

std::vector<Column> columns_of(const std::vector<const StoredRun*>& runs, const Store& store,
                               const ReportRequest& request) {
  const auto versions = versions_of(runs);
  std::map<DataKey, const StoredRun*> samples;  // per column, the run with the most test examples
  for (const StoredRun* run : runs) {
    const StoredRun*& sample = samples[data_key(*run)];
    if (!sample || run->test_examples > sample->test_examples) sample = run;
  }
  std::vector<const StoredRun*> ordered(samples.size());
  std::ranges::transform(samples, ordered.begin(), [](const auto& sample) { return sample.second; });
  std::stable_sort(ordered.begin(), ordered.end(), [&](const StoredRun* a, const StoredRun* b) {
    if (a->task != b->task) return request.is_before(a->task, b->task);
    return std::pair(a->variant, versions.at(data_key(*a)).first->id) <
           std::pair(b->variant, versions.at(data_key(*b)).first->id);
  });

  std::vector<Column> columns;
  for (const StoredRun* run : ordered) {
    Column& column = columns.emplace_back();
    column.task = run->task;
    column.may_stay_at_chance = request.may_stay_at_chance(run->task);
    column.variant = run->variant;
    column.label = versions.at(data_key(*run)).label, column.version = versions.at(data_key(*run)).description;
    column.data_fingerprint = run->data_fingerprint;
    column.examples = run->test_examples;
    for (const Baseline& b : store.baselines(run->variant, run->data_fingerprint))
      column.baselines[b.name] = accuracy(b);
    column.cautions = store.cautions(run->variant, run->data_fingerprint);
  }
  return columns;
}

AccuracyTable accuracy_table(const std::string& preset, const std::vector<const StoredRun*>& runs,
                             const std::vector<const StoredRun*>& failures, const Store& store,
                             const ReportRequest& request) {
  AccuracyTable table;
  const std::map<long, Environment> environments = store.environments();
  std::vector<const StoredRun*> wanted;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(wanted),
               [&](const StoredRun* run) { return request.wants_model(run->model); });
  table.preset = preset, table.columns = columns_of(wanted, store, request);
  table.references = request.references;
  std::map<std::string, std::map<DataKey, std::vector<const StoredRun*>>> groups;
  for (const StoredRun* run : runs) groups[row_label(*run)][data_key(*run)].push_back(run);
  std::set<std::pair<std::string, std::string>> failed;  // label, variant
  for (const StoredRun* run : failures)
    if (failed.emplace(row_label(*run), run->variant).second) groups[row_label(*run)];

  for (const auto& [label, cells] : groups) {
    Row& row = table.rows.emplace_back();
    row.label = label;
    row.model = label.substr(0, label.find(' '));  // a label begins with the model
    row.is_control = row.model == request.references.control;
    for (const Column& column : table.columns) {
      const auto found = cells.find({column.variant, column.data_fingerprint});
      auto& cell = row.cells.emplace_back();
      if (found != cells.end()) {
        cell = cell_of(found->second, request);
        if (request.wants_model(label)) {
          table.superseded += static_cast<long>(found->second.size() - cell->runs.size());
          if (several_levels(cell->runs, environments)) table.levels.push_back(label + " on " + column.label);
        }
      }
      row.failed.push_back(!cell && failed.count({label, column.variant}) > 0);
    }
  }
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    mark_against_baselines(table, c);
    mark_over_budget(table, c);
  }
  std::erase_if(table.rows, [&](const Row& row) { return !request.wants_model(row.model); });
  average_and_sort(table, request.averages);
  return table;
}

}  // namespace

std::vector<AccuracyTable> accuracy_tables(const std::vector<StoredRun>& runs, const Store& store,
                                           const ReportRequest& request) {
  const std::map<long, CorrectExamples> correct_examples = store.correct_examples();
  const std::vector<StoredRun> failures = store.failures();
  const auto failed = by_preset(failures, request);
  std::vector<AccuracyTable> tables;
  for (const auto& [preset, members] : by_preset(runs, request)) {
    const auto same =
        std::find_if(failed.begin(), failed.end(), [&, &name = preset](const auto& g) { return g.first == name; });
    tables.push_back(accuracy_table(
        preset, members, same == failed.end() ? std::vector<const StoredRun*>() : same->second, store, request));
    if (tables.back().columns.empty())
      tables.pop_back();
    else
      compare_with_best(tables.back(), correct_examples);
  }
  return tables;
}

std::vector<std::vector<std::optional<PairedComparison>>> comparisons_with(
    const AccuracyTable& table, std::size_t row, const std::map<long, CorrectExamples>& correct_examples,
    long replicates) {
  std::vector<std::vector<std::optional<PairedComparison>>> all(table.rows.size());
  std::vector<PairedComparison*> family;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    all[r].resize(table.columns.size());
    for (std::size_t c = 0; r != row && c < table.columns.size(); ++c) {
      if (!may_lead(table.rows[r].cells[c]) || !may_lead(table.rows[row].cells[c])) continue;
      all[r][c] =
          compare_paired(table.rows[row].cells[c]->runs, table.rows[r].cells[c]->runs, correct_examples, replicates);
      family.push_back(&*all[r][c]);
    }
  }
  adjust(family);
  return all;
}

}  // namespace lra
