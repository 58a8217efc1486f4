/// A report as tables of text, which the human-readable formats print.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "results/tables/comparison.h"

namespace lra {

/// One cell of a table. `rank` decides bold and underlined.
struct TableCell {
  std::string text;
  Rank rank = Rank::open;
  double order = std::numeric_limits<double>::quiet_NaN();  // the sort key; NaN if the cell is not a number
  std::string configuration;                                // StoredRun::configuration of the underlying runs
  TableCell(std::string t = {}) : text(std::move(t)) {}
  TableCell(const char* t) : text(t) {}
  TableCell(std::string t, double o) : text(std::move(t)), order(o) {}
};

/// One row; `aside` marks rows that are not results, such as baselines.
struct TableRow {
  std::vector<TableCell> cells;
  bool aside = false;
};

/// One table with the text above and below it. Texts may contain `code` in backticks and no other markup. The first
/// column holds text; the others hold numbers, or text if `words` is true.
struct Table {
  std::string id;    // accuracy-quick; unique in a document
  std::string kind;  // its name in report_tables()
  std::string title, lead;
  std::vector<std::string> head;
  std::vector<TableRow> rows;
  std::vector<std::string> notes;
  bool words = false;
};

/// All tables that `request` asks for, in reading order. Throws a usage error when there is nothing to show.
std::vector<Table> tables_of(const Comparison& comparison, const Store& store, const ReportRequest& request);

// The individual tables; one without rows and notes is left out of the report.
Table tabulate_accuracy(const AccuracyTable& table);
Table tabulate_differences(const AccuracyTable& table);
Table tabulate_published(const AccuracyTable& table);
Table tabulate_seeds(const AccuracyTable& table, const Store& store);
Table tabulate_configurations(const AccuracyTable& table);
Table tabulate_cost(const CostTable& table);
Table tabulate_speed(const BenchTable& table);  // LRA's table 2
Table tabulate_bench(const BenchTable& table);
Table tabulate_facts(const std::string& model, const ReportRequest& request);
Table tabulate_cells(const std::string& model, const Comparison& comparison);

/// The signs for these marks, such as " *†"; empty without any.
std::string signs(const Marks& marks);

/// Collects the notes below a table: first the meaning of each mark that was added, in a fixed order, then the other
/// lines.
class Notes {
 public:
  explicit Notes(ReferenceModels references) : references_(std::move(references)) {}
  void add(const Marks& marks);
  void add(std::string line);
  std::vector<std::string> all() const;

 private:
  ReferenceModels references_;
  Marks seen_;
  std::vector<std::string> lines_;
};

/// The note that these cells or rows pool seeds of several numeric levels; empty if there are none.
std::string levels_note(const std::vector<std::string>& pooled);

std::string percent(double share);                            // "41.3"
std::string points(double difference);                        // "+1.2"
std::string p_value(double p);                                // "0.031", "< 0.001", "–"
std::string or_dash(bool measured, const std::string& text);  // `text`, or "–" if it was not measured
std::string plural(long count, const char* noun);
std::string joined(const std::vector<std::string>& words);

}  // namespace lra
