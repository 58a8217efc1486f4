/// Tables of accuracy: models down, task variants across.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/statistics/statistics.h"
#include "results/tables/choice.h"
#include "results/tables/labels.h"
#include "results/tables/paired_comparison.h"

namespace lra {

/// How a cell stands in its column. Bold and underlined go by significance alone.
enum class Rank {
  open,    // nothing in this column is significantly worse than its best
  best,    // the best, or not significantly worse than it
  second,  // the best of those that are significantly worse
  behind
};

/// The seeds of one configuration of one model on one task. Accuracies are shares, 0 … 1.
struct AccuracyCell {
  std::vector<const StoredRun*> runs;  // by seed
  double mean = 0, deviation = 0;
  Interval interval;  // Wilson for one seed, t for several
  long parameters = 0;
  Marks marks;
  Rank rank = Rank::open;
  /// Seeds above chance by the exact binomial test, corrected for their number, so that a cell at chance shows any with
  /// at most 2.5 %; absent where chance is not known.
  std::optional<long> solved;
};

/// A task variant on one version of its data.
struct Column {
  std::string task, variant, data_fingerprint;
  std::string label;    // the variant; of several versions of its data "tsv:v1/set" by folder, or "listops #a1b2c3"
  std::string version;  // of several versions: "#a1b2c3, in /data/set, trained on since 2026-01-02"; else empty
  long examples = 0;    // of the test split
  std::map<std::string, double> baselines;                   // accuracy by name
  std::vector<std::string> cautions;                         // what must be known of the data, one sentence each
  bool has_control = false;                                  // a run of the control that others can be set against
  bool may_stay_at_chance = false;                           // see TaskText
  std::optional<std::size_t> best;                           // the row with the highest mean among those that may lead
  std::vector<std::optional<PairedComparison>> comparisons;  // one per row: the best against it
};

struct Row {
  std::string label, model;
  bool is_control = false;                         // of ReferenceModels::control
  std::vector<std::optional<AccuracyCell>> cells;  // one per column
  std::vector<bool> failed;                        // one per column: there is no cell because every attempt failed
  std::vector<std::optional<double>>
      averages;  // as AccuracyTable::averages; absent when a task is missing or not comparable

  /// The first of them; nothing in a table that has none.
  std::optional<double> average() const { return averages.empty() ? std::nullopt : averages.front(); }
};

/// Models down, task variants across, one preset.
struct AccuracyTable {
  std::string preset;
  ReferenceModels references;
  std::vector<Column> columns;
  std::vector<Row> rows;  // best average first, rows without one last
  /// Their names: those of the request's that the columns allow, avgN over all N columns otherwise. None where two
  /// columns are versions or variants of one task: it would count twice.
  std::vector<std::string> averages;
  std::vector<std::string> average_meanings;  // one for each; empty for avgN
  long superseded = 0;                        // stored runs that another configuration of the same cell displaced
  std::vector<std::string> levels;  // cells that pool seeds of several levels (numeric_level.h): "linear on text@quick"
  Evidence evidence;                // of the comparisons of all columns
  /// The least difference that each column's seeds could show (see detectable_difference), median over its comparisons;
  /// absent with one seed.
  std::vector<std::optional<double>> detectable;
};

/// One table per preset, oldest preset first. The tables borrow `runs`, which are Store::runs().
///
/// A cell shows one configuration: among the runs of a model (and its overrides) on a column, comparable beats not
/// comparable, the present revision beats another, newer beats older; all seeds of the winner's configuration are
/// pooled.
std::vector<AccuracyTable> accuracy_tables(const std::vector<StoredRun>& runs, const Store& store,
                                           const ReportRequest& request);

/// The comparisons of a table's rows with `row`, column by column, corrected together. One per row and column; absent
/// where either has no cell or may not be compared.
std::vector<std::vector<std::optional<PairedComparison>>> comparisons_with(
    const AccuracyTable& table, std::size_t row, const std::map<long, CorrectExamples>& correct_examples,
    long replicates);

}  // namespace lra
