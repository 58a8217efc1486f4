/// Accuracy tables: one row per model, one column per task variant.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/statistics/statistics.h"
#include "results/tables/labels.h"
#include "results/tables/paired_comparison.h"
#include "results/tables/run_selection.h"

namespace lra {

/// A cell's rank in its column. It decides bold and underlined type, by significance alone.
enum class Rank {
  open,    // nothing in this column is significantly worse than its best
  best,    // the best, or not significantly worse than the best
  second,  // the best of those that are significantly worse
  behind   // significantly worse than the best and not second, or not tested for lack of common seeds
};

/// The seeds of one configuration of one model on one task. Accuracies are shares from 0 to 1.
struct AccuracyCell {
  std::vector<const StoredRun*> runs;  // by seed
  double mean = 0, deviation = 0;
  Interval interval;  // Wilson for one seed, t for several
  long parameters = 0;
  Marks marks;
  Rank rank = Rank::open;
  /// The number of seeds above chance by the exact binomial test, corrected for the number of seeds, so that a cell at
  /// chance has any solved seed with probability at most 2.5 %. Absent when the majority class is not known.
  std::optional<long> solved;
};

/// A task variant on one version of its data.
struct Column {
  std::string task, variant, data_fingerprint;
  std::string label;    // the variant; if its data has several versions, "tsv:v1/set" by folder, or "listops #a1b2c3"
  std::string version;  // if there are several: "#a1b2c3, in /data/set, trained on since 2026-01-02"; else empty
  long examples = 0;    // of the test split
  std::map<std::string, double> baselines;  // accuracy by name
  std::vector<std::string> cautions;        // caveats on the data, one sentence each
  bool has_control = false;                 // has a comparable run of the control
  bool may_stay_at_chance = false;          // see TaskText
  std::optional<std::size_t> best;          // the comparable, present-revision row with the highest mean
  std::vector<std::optional<PairedComparison>> comparisons;  // one per row: the best minus the row
};

struct Row {
  std::string label, model;
  bool is_control = false;                         // whether the model is ReferenceModels::control
  std::vector<std::optional<AccuracyCell>> cells;  // one per column
  std::vector<bool> failed;                        // one per column: no cell, because every attempt failed
  std::vector<std::optional<double>>
      averages;  // as AccuracyTable::averages; absent when a task is missing or not comparable

  /// The first of the averages, if the table has any.
  std::optional<double> average() const { return averages.empty() ? std::nullopt : averages.front(); }
};

/// The accuracy table of one preset.
struct AccuracyTable {
  std::string preset;
  ReferenceModels references;
  std::vector<Column> columns;
  std::vector<Row> rows;  // by descending average, rows without one last
  /// The names of the averages: the request's named averages whose tasks are all columns, otherwise avgN over all N
  /// columns. Empty when two columns are versions or variants of one task, which would count twice.
  std::vector<std::string> averages;
  std::vector<std::string> average_meanings;  // one per average; empty for avgN
  long superseded = 0;                        // stored runs not shown because their cell shows another configuration
  std::vector<std::string> levels;  // cells that pool seeds of several levels (numeric_level.h): "linear on text@quick"
  Evidence evidence;                // of the comparisons of all columns
  /// For each column, the median over its comparisons of the smallest detectable difference (see
  /// detectable_difference); absent without a comparison over two common seeds.
  std::vector<std::optional<double>> detectable;
};

/// Returns one table per preset, oldest preset first. The tables borrow `runs`, which must be Store::runs().
///
/// A cell shows one configuration. Among the runs of a row on a column, select_configuration prefers comparable runs,
/// then the present revision, then the better validation accuracy of a sweep, then newer runs; the cell pools all seeds
/// of the selected configuration.
std::vector<AccuracyTable> accuracy_tables(const std::vector<StoredRun>& runs, const Store& store,
                                           const ReportRequest& request);

/// Compares `row` with every other row of the table, column by column, with Holm's correction over all comparisons.
/// Returns one comparison per row and column; absent where either cell is missing, stale or not comparable.
std::vector<std::vector<std::optional<PairedComparison>>> comparisons_with(
    const AccuracyTable& table, std::size_t row, const std::map<long, CorrectExamples>& correct_examples,
    long replicates);

}  // namespace lra
