/// Runs gathered into the tables that every report format prints: who was how accurate, and what it cost.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/statistics/statistics.h"
#include "results/store/record.h"
#include "results/tables/paired_comparison.h"
#include "results/tables/report.h"

namespace lra {

/// What a reader must know about a figure.
struct Marks {
  bool above_chance = false;    // lower end of the interval above the majority class
  bool uses_context = false;    // … above every predictor that ignores order: baselines and the model `identity`
  bool stale = false;           // made by another revision of the model or the engine
  bool not_comparable = false;  // fewer examples or steps than the preset says
  bool over_budget = false;     // parameters more than 10 % above transformer's
  bool shared = false;          // trained while other cells ran: no timing of it is shown
  bool uneven = false;          // its timings are not one figure (StoredRun::timing_flaw): none is shown
  bool best_of = false;         // chosen on validation among several settings
  bool timed() const { return !shared && !uneven; }
};

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
  std::map<std::string, double> baselines;  // accuracy by name
  std::vector<std::string> cautions;        // what must be known of the data, one sentence each
  bool has_identity = false;
  bool may_stay_at_chance = false;                           // see TaskText
  std::optional<std::size_t> best;                           // the row with the highest mean among those that may lead
  std::vector<std::optional<PairedComparison>> comparisons;  // one a row: the best against it
};

struct Row {
  std::string label, model;
  std::vector<std::optional<AccuracyCell>> cells;  // one a column
  std::vector<bool> failed;                        // one a column: there is no cell because every attempt failed
  std::vector<std::optional<double>>
      averages;  // as AccuracyTable::averages; absent when a task is missing or not comparable

  /// The first of them; nothing in a table that has none.
  std::optional<double> average() const { return averages.empty() ? std::nullopt : averages.front(); }
};

/// Models down, task variants across, one preset.
struct AccuracyTable {
  std::string preset;
  std::vector<Column> columns;
  std::vector<Row> rows;  // best average first, rows without one last
  /// Their names: those of the request's that the columns allow, avgN over all N columns otherwise. None where two
  /// columns are versions or variants of one task: it would count twice.
  std::vector<std::string> averages;
  std::vector<std::string> average_meanings;  // one for each; empty for avgN
  long superseded = 0;                        // stored runs that another configuration of the same cell displaced
  std::vector<std::string> levels;  // cells that pool seeds of several levels (level.h): "linear on text@quick"
  Evidence evidence;                // of the comparisons of all columns
  /// The least difference that each column's seeds could show (see detectable_difference), median over its comparisons;
  /// absent with one seed.
  std::vector<std::optional<double>> detectable;
};

/// Cost of training, mean over seeds. A value that was not measured is 0.
struct CostRow {
  std::string label, model;
  std::vector<const StoredRun*> runs;
  Marks marks;
  double examples_per_second = 0, gflops = 0, peak_share = 0, train_seconds = 0;
  std::int64_t peak_bytes = 0, activation_bytes = 0;
  long parameters = 0;
  std::string reference;                     // the transformer with the same settings (see reference_label), or empty
  std::optional<double> relative_speed;      // examples a second, reference = 1
  std::optional<double> relative_to_stored;  // the same against the transformer that holds its N×N matrix
};

/// One version of a task variant's data on one machine with one number of threads: only such figures may be set side by
/// side.
struct CostTable {
  std::string preset, variant, label, machine;  // label: as a column's
  long threads = 0;
  std::vector<CostRow> rows;        // fastest first
  long shared = 0;                  // runs left out because other cells ran beside them
  long uneven = 0;                  // the others left out, for their timing_flaw
  std::vector<std::string> levels;  // rows that pool seeds of several levels (level.h)
};

/// Figures of `lra bench`, the newest of each kind.
struct BenchRow {
  std::string model;
  long length = 0;
  std::map<std::string, double> values;      // by metric
  std::optional<double> speed_up;            // transformer's median time over this one's, same length
  std::optional<double> speed_up_to_stored;  // the same against the transformer that holds its N×N matrix

  /// False when it was refused for want of memory: then `values` has estimated_bytes alone.
  bool fits() const { return values.count("median_ms") > 0; }
};

/// The verdict of the roofline, "compute" or "memory": which of a step's operations at the rate of matrix products and
/// its traffic at the rate of memory takes longer. Empty where these were not measured. Williams, Waterman, Patterson.
/// "Roofline." CACM 52(4), 2009.
std::string bound_of(const BenchRow& row);

/// One shape, mode, batch size, machine and number of threads.
struct BenchTable {
  std::string mode, machine;  // the machine's name, with level_name where it has figures of several levels
  long batch = 0, threads = 0;
  Json settings;
  std::vector<BenchRow> rows;  // by model, then length
};

/// The control: it mixes no tokens, so it shows what a model gets without context.
inline constexpr const char* kControl = "identity";

/// The row of the transformer that stores its N×N matrix, as the papers' did.
inline constexpr const char* kMaterialized = "transformer materialized=true";

/// Everything that one report prints. The tables point into `runs`.
struct Comparison {
  std::vector<StoredRun> runs;
  std::vector<AccuracyTable> accuracy;
  std::vector<CostTable> costs;
  std::vector<BenchTable> benches;
  std::map<long, Hits> hits;
};

/// What `request` asks for. Throws a usage error for an unknown table or preset (naming the nearest) and when the
/// database holds nothing to show: a report never is an empty table.
Comparison compare_runs(const Store& store, const ReportRequest& request);

/// One table a preset, oldest preset first. The tables borrow `runs`, which are Store::runs().
///
/// A cell shows one configuration: among the runs of a model (and its overrides) on a column, comparable beats not
/// comparable, the present revision beats another, newer beats older; all seeds of the winner's configuration are
/// pooled.
std::vector<AccuracyTable> accuracy_tables(const std::vector<StoredRun>& runs, const Store& store,
                                           const ReportRequest& request);

/// The comparisons of a table's rows with `row`, column by column, corrected together. One a row and column; absent
/// where either has no cell or may not be compared.
std::vector<std::vector<std::optional<PairedComparison>>> comparisons_with(const AccuracyTable& table, std::size_t row,
                                                                           const std::map<long, Hits>& hits,
                                                                           long replicates);

/// One table a preset, task variant, machine and number of threads. Borrows `runs`.
std::vector<CostTable> cost_tables(const std::vector<StoredRun>& runs, const Store& store,
                                   const ReportRequest& request);

/// Every combination of settings, batch, machine, threads and mode that was measured. `environments` holds those that
/// Measurement::environment names.
std::vector<BenchTable> bench_tables(const std::vector<Measurement>& measurements,
                                     const std::map<long, Environment>& environments);

/// The runs of the presets, tasks and models that the request names.
std::vector<const StoredRun*> runs_of(const Comparison& comparison, const ReportRequest& request);

using PresetRuns = std::vector<std::pair<std::string, std::vector<const StoredRun*>>>;

/// Runs by preset in the order in which presets first occur, those of the preset and the tasks that the request names.
PresetRuns by_preset(const std::vector<StoredRun>& runs, const ReportRequest& request);

/// The runs of the configuration that stands for them all (see accuracy_tables), by seed. Requires at least one run.
std::vector<const StoredRun*> chosen(const std::vector<const StoredRun*>& runs, const ReportRequest& request);

/// The marks that runs of one configuration carry by themselves: stale, not comparable.
Marks facts_about(const std::vector<const StoredRun*>& runs, const ReportRequest& request);

/// The most parameters a row may have without a mark: LRA's rule, a tenth above transformer's.
double parameter_budget(long transformer_parameters);

/// How many settings a sweep tried; 1 without one.
long tries(const StoredRun& run);

/// "linformer k=64": the model and what was asked for beside the preset. Runs of one sweep share "linformer best of 3
/// k".
std::string row_label(const StoredRun& run);

/// What a row is measured against: of `labels` the one of `reference`'s model that has `reference`'s own settings and
/// otherwise the most of what the row was asked for, and nothing else: "linear steps=60" has "transformer steps=60"
/// where that ran, else "transformer". Empty where there is none.
std::string reference_label(const std::string& reference, const std::string& row,
                            const std::vector<std::string>& labels);

/// "Intel Xeon, 2 cores".
std::string machine_name(const Environment& environment);

}  // namespace lra
