#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "results/tables/document.h"
#include "results/tables/published.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 3> kBaselines{
    {{"majority", "majority class"}, {"first_token", "first token"}, {"bag_of_tokens", "bag of tokens"}}};

/// Whether some seeds of the cell stay at chance, or might, so that the mean alone would mislead.
bool may_stay_at_chance(const Column& column, const AccuracyCell& cell) {
  const long seeds = static_cast<long>(cell.runs.size());
  return cell.solved && seeds > 1 && (column.may_stay_at_chance || (*cell.solved > 0 && *cell.solved < seeds));
}

TableCell accuracy_cell(const Column& column, const AccuracyCell& cell) {
  std::string text =
      cell.runs.size() == 1
          ? fmt::format("{} [{}, {}]", percent(cell.mean), percent(cell.interval.low), percent(cell.interval.high))
          : fmt::format("{} ± {} ({})", percent(cell.mean), percent(cell.deviation), cell.runs.size());
  if (may_stay_at_chance(column, cell)) text += fmt::format(", solved {} of {}", *cell.solved, cell.runs.size());
  TableCell shown(text + signs(cell.marks), cell.mean);
  shown.rank = cell.rank;
  shown.configuration = cell.runs.front()->configuration;
  return shown;
}

void add_baseline_rows(Table& printed, const AccuracyTable& table) {
  printed.rows.push_back({{"without a model:"}, true});
  for (const auto& [name, label] : kBaselines) {
    TableRow entry{{label}, true};
    for (const Column& column : table.columns) {
      const auto found = column.baselines.find(name);
      entry.cells.push_back(found == column.baselines.end() ? TableCell("–")
                                                            : TableCell(percent(found->second), found->second));
    }
    printed.rows.push_back(entry);
  }
}

/// One line per column that is one of several versions of its data.
std::vector<std::string> version_notes(const AccuracyTable& table) {
  std::vector<std::string> lines;
  for (const Column& column : table.columns)
    if (!column.version.empty())
      lines.push_back(
          fmt::format("{}: a version of the data of {}: {}.", column.label, column.variant, column.version));
  return lines;
}

std::string average_meaning(const AccuracyTable& table) {
  if (table.averages.empty()) return "No average: one task would count several times.";
  std::vector<std::string> meanings;
  for (std::size_t i = 0; i < table.averages.size(); ++i)
    if (!table.average_meanings[i].empty())
      meanings.push_back(fmt::format("{}: {}", table.averages[i], table.average_meanings[i]));
  if (!meanings.empty()) return fmt::format("{}.", fmt::join(meanings, "; "));
  std::vector<std::string> labels;
  for (const Column& column : table.columns) labels.push_back(column.label);
  return fmt::format("{}: mean of {}, not one of LRA's averages.", table.averages.front(), joined(labels));
}

std::string rank_note(const AccuracyTable& table) {
  bool decided = false;
  for (const Row& row : table.rows)
    for (const auto& cell : row.cells) decided = decided || (cell && cell->rank != Rank::open);
  if (decided)
    return fmt::format(
        "Bold: the best of a column and all that are not significantly worse (paired over seeds, Holm over {}, "
        "p < 0.05); underlined: the best of the others.",
        plural(static_cast<long>(table.evidence.tests), "test"));
  return table.evidence.tests == 0 ? "" : "No difference from the best of a column is significant, so nothing is bold.";
}

std::string detectable_note(const AccuracyTable& table) {
  std::vector<std::string> parts;
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    if (table.detectable[c])
      parts.push_back(fmt::format("{} {}", table.columns[c].label, percent(*table.detectable[c])));
  if (parts.empty()) return {};
  return fmt::format("Minimum detectable difference with these seeds (80 % power, p < 0.05, before Holm): {} points.",
                     joined(parts));
}

/// The note on why a table of several rows has no comparisons.
std::string uncompared_note(const AccuracyTable& table) {
  bool cut = false, stale = false;
  for (const Row& row : table.rows)
    for (const auto& cell : row.cells)
      if (cell) cut = cut || cell->marks.not_comparable, stale = stale || cell->marks.stale;
  return fmt::format("Nothing is compared, because {}.", cut && stale ? "the runs are not comparable (§) or stale (‡)"
                                                         : cut        ? "the runs are not comparable (§)"
                                                         : stale      ? "the runs are stale (‡)"
                                                                      : "no column has results of two models");
}

/// One line per column whose cells have different seeds: "Seeds differ on listops: seeds 0..2 of linear; seeds 0..5 of
/// local."
std::vector<std::string> unequal_seeds(const AccuracyTable& table) {
  std::vector<std::string> lines;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    std::map<std::vector<std::uint64_t>, std::vector<std::string>> rows;  // labels by their seeds
    for (const Row& row : table.rows) {
      if (!row.cells[c]) continue;
      std::vector<std::uint64_t> seeds;
      for (const StoredRun* run : row.cells[c]->runs) seeds.push_back(run->seed);
      rows[seeds].push_back(row.label);
    }
    std::vector<std::string> parts;
    parts.reserve(rows.size());
    for (const auto& [seeds, labels] : rows)
      parts.push_back(
          fmt::format("{} {} of {}", seeds.size() == 1 ? "seed" : "seeds", seed_list(seeds), joined(labels)));
    if (parts.size() > 1)
      lines.push_back(fmt::format(
          "Seeds differ on {}: {}. A mean is over all seeds of its cell, a difference over the common seeds.",
          table.columns[c].label, fmt::join(parts, "; ")));
  }
  return lines;
}

/// One line for each caveat on the runs of a cell: "local on text: sees 49 of 1,000 tokens."
void add_caveats(Notes& notes, const Row& row, const AccuracyTable& table) {
  for (std::size_t c = 0; c < row.cells.size(); ++c) {
    std::set<std::string> caveats;
    if (row.cells[c])
      for (const StoredRun* run : row.cells[c]->runs) caveats.insert(run->reason);
    for (const std::string& caveat : caveats)
      if (!caveat.empty()) notes.add(fmt::format("{} on {}: {}.", row.label, table.columns[c].label, caveat));
  }
}

std::vector<std::string> accuracy_notes(const AccuracyTable& table) {
  Notes notes(table.references);
  bool one_seed = false, several = false, failed = false, context = false, solved = false;
  for (const Row& row : table.rows)
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      failed = failed || row.failed[c];
      if (!row.cells[c]) continue;
      notes.add(row.cells[c]->marks);
      context = context || row.cells[c]->marks.uses_context;
      solved = solved || may_stay_at_chance(table.columns[c], *row.cells[c]);
      (row.cells[c]->runs.size() == 1 ? one_seed : several) = true;
    }
  std::vector<std::string> no_baseline, no_control;
  for (const Column& column : table.columns) {
    if (!column.baselines.count("majority"))
      no_baseline.push_back(column.label);
    else if (context && !column.has_control)
      no_control.push_back(column.label);
  }
  for (const Column& column : table.columns)
    for (const std::string& caution : column.cautions) notes.add(fmt::format("{}: {}.", column.label, caution));
  for (const Row& row : table.rows) add_caveats(notes, row, table);
  if (one_seed)
    notes.add("x [a, b]: one seed, with the 95 % interval (Wilson), which covers only the sampling of test examples.");
  if (several) notes.add("x ± s (n): mean and standard deviation over n seeds; marks use the t interval of the mean.");
  if (solved)
    notes.add(
        "solved k of n: k of the n seeds are above the majority class (exact binomial test, corrected for n tests: a "
        "model at chance solves any seed with probability at most 2.5 %).");
  notes.add(rank_note(table));
  if (table.rows.size() > 1)
    notes.add(table.evidence.comparisons ? seeds_caveat(table.evidence) : uncompared_note(table));
  for (std::string& line : unequal_seeds(table)) notes.add(std::move(line));
  notes.add(detectable_note(table));
  for (std::string& line : version_notes(table)) notes.add(std::move(line));
  if (table.columns.size() > 1) notes.add(average_meaning(table));
  if (failed) notes.add("failed: every attempt ended with an error or was interrupted.");
  notes.add(levels_note(table.levels));
  if (!no_baseline.empty())
    notes.add(fmt::format("No baselines are stored for {}: not compared with chance or context.", joined(no_baseline)));
  if (!no_control.empty())
    notes.add(fmt::format("`{}` has no run on {}, so † is decided without it.", table.references.control,
                          joined(no_control)));
  if (table.superseded > 0)
    notes.add(fmt::format("{} not shown: its cell shows runs of another configuration or revision.",
                          table.superseded == 1 ? "1 stored run is" : grouped(table.superseded) + " stored runs are"));
  return notes.all();
}

TableRow difference_row(const AccuracyTable& table, const Column& column, std::size_t row) {
  const PairedComparison& comparison = *column.comparisons[row];
  const bool paired = comparison.seeds.size() > 1;
  TableRow entry;
  entry.cells = {fmt::format("{}, {}", table.rows[*column.best].label, table.rows[row].label), column.label};
  entry.cells.push_back(comparison.seeds.empty() ? TableCell("–")
                                                 : TableCell(points(comparison.difference), comparison.difference));
  if (paired) {
    entry.cells.emplace_back(fmt::format("[{}, {}] {}", points(comparison.interval.low),
                                         points(comparison.interval.high), comparison.interval_kind),
                             comparison.interval.low);
    entry.cells.emplace_back(fmt::format("{} ({})", p_value(comparison.p), comparison.method), comparison.p);
    entry.cells.emplace_back(p_value(comparison.adjusted), comparison.adjusted);
    if (comparison.significant()) entry.cells.back().rank = Rank::best;
  } else {
    entry.cells.insert(entry.cells.end(), 3, TableCell("–"));
  }
  entry.cells.push_back(
      comparison.network_p.empty()
          ? TableCell("–")
          : TableCell(fmt::format("{} (seed {})", p_value(comparison.network_p.front()), comparison.seeds.front()),
                      comparison.network_p.front()));
  entry.cells.emplace_back(std::to_string(comparison.seeds.size()), static_cast<double>(comparison.seeds.size()));
  return entry;
}

std::string printed_range(const PublishedRange& range) {
  if (range.entries == 0) return "failed";
  std::string text =
      range.low == range.high ? percent(range.low) : fmt::format("{}–{}", percent(range.low), percent(range.high));
  if (range.failures) text += ", failed";
  for (const Published* entry : range.from)
    if (entry->kind == "suspect") return text + " ⚠";
  return text;
}

TableRow published_row(const Row& row, const AccuracyCell& cell, const Column& column, const PublishedRange& range) {
  double without_order = 0;
  for (const auto& [name, value] : column.baselines) without_order = std::max(without_order, value);
  std::vector<std::string> sources;
  for (const Published* entry : range.from) sources.push_back(entry->source);
  const double apart = range.apart(cell.mean);
  const auto majority = column.baselines.find("majority");
  TableRow entry;
  entry.cells = {row.label, column.label, TableCell(percent(cell.mean) + signs(cell.marks), cell.mean),
                 TableCell(printed_range(range), range.high)};
  entry.cells.push_back(range.entries == 0 ? TableCell("–") : TableCell(apart == 0 ? "within" : points(apart), apart));
  entry.cells.push_back(majority == column.baselines.end() ? TableCell("–")
                                                           : TableCell(percent(majority->second), majority->second));
  entry.cells.push_back(without_order > 0 ? TableCell(percent(without_order), without_order) : TableCell("–"));
  entry.cells.emplace_back(joined(sources));
  entry.cells[2].configuration = cell.runs.front()->configuration;
  return entry;
}

/// The notes on published figures, each once: footnotes of suspect columns, why cells have none, entries not counted.
struct PublishedNotes {
  std::set<std::string> footnotes, refusals, left_out;

  void add(const Row& row, const Column& column, const PublishedRange& range) {
    for (const std::string& entry : range.left_out)
      left_out.insert(fmt::format("Not counted for {} on {}: {}.", row.model, column.variant, entry));
    for (const Published* entry : range.from)
      if (entry->kind == "suspect")
        footnotes.insert(fmt::format("⚠ {}, {}, {}: {}.", entry->paper, entry->table, column.task, entry->note));
  }
};

}  // namespace

Table tabulate_accuracy(const AccuracyTable& table) {
  Table printed;
  printed.kind = "accuracy", printed.id = fmt::format("accuracy-{}", table.preset);
  printed.title = fmt::format("Accuracy, preset {}", table.preset);
  printed.lead = "Test accuracy in %; in brackets the number of test examples.";
  printed.head = {"model"};
  const bool with_average = table.columns.size() > 1;
  for (const Column& column : table.columns)
    printed.head.push_back(fmt::format("{} ({})", column.label, grouped(column.examples)));
  if (with_average) printed.head.insert(printed.head.end(), table.averages.begin(), table.averages.end());
  for (const Row& row : table.rows) {
    TableRow entry{{row.label}, false};
    for (std::size_t c = 0; c < row.cells.size(); ++c)
      entry.cells.push_back(row.cells[c]    ? accuracy_cell(table.columns[c], *row.cells[c])
                            : row.failed[c] ? TableCell("failed")
                                            : TableCell("–"));
    for (std::size_t a = 0; with_average && a < row.averages.size(); ++a)
      entry.cells.push_back(row.averages[a] ? TableCell(percent(*row.averages[a]), *row.averages[a]) : TableCell("–"));
    printed.rows.push_back(std::move(entry));
  }
  add_baseline_rows(printed, table);
  printed.notes = accuracy_notes(table);
  return printed;
}

Table tabulate_differences(const AccuracyTable& table) {
  Table printed;
  printed.kind = "differences", printed.id = fmt::format("differences-{}", table.preset);
  printed.title = fmt::format("Differences from the best, preset {}", table.preset);
  printed.lead = "The best of each column minus each other model, in points.";
  printed.head = {"best, against",         "task",        "difference", "95 % interval", "these models: p", "p (Holm)",
                  "these two networks: p", "common seeds"};
  bool bootstrap = false, student = false, permutation = false;
  for (const Column& column : table.columns)
    for (std::size_t r = 0; r < column.comparisons.size(); ++r) {
      if (!column.comparisons[r]) continue;
      bootstrap = bootstrap || column.comparisons[r]->interval_kind == "bootstrap";
      student = student || column.comparisons[r]->method == "t";
      permutation = permutation || column.comparisons[r]->method == "permutation";
      printed.rows.push_back(difference_row(table, column, r));
    }
  if (printed.rows.empty()) return printed;
  Notes notes(table.references);
  notes.add(
      "these models: would the difference remain if both were trained again? Runs are paired by seed. Only this test "
      "decides bold type; Holm corrects over the whole table, and p below 0.05 are bold.");
  notes.add(
      "these two networks: McNemar's exact test on the test examples of the first common seed. It says nothing about "
      "other seeds.");
  if (permutation) notes.add("permutation: sign flips of the differences per seed.");
  if (student) notes.add("t: Student's t-test on the differences per seed, used with fewer than 6 seeds.");
  if (bootstrap) notes.add("bootstrap: over seeds and over the test examples of each seed.");
  notes.add(seeds_caveat(table.evidence));
  for (std::string& line : unequal_seeds(table)) notes.add(std::move(line));
  printed.notes = notes.all();
  return printed;
}

Table tabulate_published(const AccuracyTable& table) {
  Table printed;
  printed.kind = "published", printed.id = fmt::format("published-{}", table.preset);
  printed.title = fmt::format("Comparison with published figures, preset {}", table.preset);
  PublishedNotes said;
  Notes notes(table.references);
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    for (const Row& row : table.rows) {
      if (!row.cells[c]) continue;
      const Column& column = table.columns[c];
      if (const std::string why = why_not_comparable(*row.cells[c]->runs.front()); !why.empty()) {
        said.refusals.insert(fmt::format("No published figures are shown for {}: {}.", column.label, why));
        continue;
      }
      if (row.label != row.model) {
        said.refusals.insert(fmt::format(
            "No published figures are shown for `{}`: its settings are not the model's defaults.", row.label));
        continue;
      }
      const PublishedRange range = published_range(row.model, column.variant);
      said.add(row, column, range);
      if (range.from.empty()) continue;
      notes.add(row.cells[c]->marks);
      printed.rows.push_back(published_row(row, *row.cells[c], column, range));
    }
  if (!printed.rows.empty()) {
    printed.lead =
        "Test accuracy in %. Published: the range of accuracies that papers print for the model, each under its own "
        "protocol.";
    printed.head = {"model", "task", "ours", "published", "difference", "majority class", "best without order", "from"};
    notes.add(
        "difference: from the nearer end of the published range. The baselines are shown because an accuracy near them "
        "is no evidence of learning, whatever was published.");
  }
  for (const auto* lines : {&said.footnotes, &said.refusals, &said.left_out})
    for (const std::string& line : *lines) notes.add(line);
  printed.notes = notes.all();
  return printed;
}

}  // namespace lra
