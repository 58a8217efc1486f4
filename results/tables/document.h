/// A report as rows and cells of text, which every format for people prints in its own way.
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
  double order = std::numeric_limits<double>::quiet_NaN();  // what a column is sorted by; NaN: not a figure
  std::string configuration;                                // StoredRun::configuration of the runs it was made from
  TableCell(std::string t = {}) : text(std::move(t)) {}
  TableCell(const char* t) : text(t) {}
  TableCell(std::string t, double o) : text(std::move(t)), order(o) {}
};

/// One row; `aside` for what is no result, such as baselines.
struct TableRow {
  std::vector<TableCell> cells;
  bool aside = false;
};

/// One table with what is said above and below it. Texts may hold `code`; nothing else is markup. The first column is
/// text, the others are figures unless `words` says so.
struct Table {
  std::string id;    // accuracy-quick; unique in a document
  std::string kind;  // the table of report_tables() it belongs to
  std::string title, lead;
  std::vector<std::string> head;
  std::vector<TableRow> rows;
  std::vector<std::string> notes;
  bool words = false;
};

/// All tables that `request` asks for, the most asked first. Throws as compare_runs, and when nothing is left to show.
std::vector<Table> tables_of(const Comparison& comparison, const Store& store, const ReportRequest& request);

// The parts, each a table or none.
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

/// "lra runs show 3 --db mine.db": a command of the program as it is to be typed for this database.
std::string command_on(const Store& store, const std::string& arguments);

/// The signs of a row or cell, " *†", and their meanings.
std::string signs(const Marks& marks);

/// The lines below a table: the meaning of each mark that occurs, in a fixed order, then the others.
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

/// That these cells or rows pool seeds of several levels (numeric_level.h); empty without any.
std::string levels_note(const std::vector<std::string>& pooled);

std::string percent(double share);                            // "41.3"
std::string points(double difference);                        // "+1.2"
std::string p_value(double p);                                // "0.031", "< 0.001", "–"
std::string or_dash(bool measured, const std::string& text);  // a figure that was not measured is a dash
std::string plural(long count, const char* noun);
std::string joined(const std::vector<std::string>& words);

}  // namespace lra
