#include "datasets/table.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "datasets/input.h"

namespace lra {
namespace {

void check_no_carriage_return(const std::string& where, std::string_view text) {
  if (text.find('\r') != std::string_view::npos)
    fail_data("{}: the row holds a CR that ends no line; let every line end in LF or CR LF", where);
}

std::vector<std::string> cells_between_tabs(const std::string& where, std::string_view line) {
  check_no_carriage_return(where, line);
  const auto parts = split_tabs(line);
  return {parts.begin(), parts.end()};
}

/// Requires an even number of quotation marks.
std::vector<std::string> cells_between_commas(const std::string& where, std::string_view row) {
  std::vector<std::string> cells;
  for (;;) {
    std::string& cell = cells.emplace_back();
    const bool quoted = row.starts_with('"');
    if (quoted) {
      for (row.remove_prefix(1); !row.starts_with('"') || row.starts_with("\"\"");) {
        cell += row.front();
        row.remove_prefix(row.front() == '"' ? 2 : 1);
      }
      row.remove_prefix(1);
    }
    const std::string_view rest = row.substr(0, row.find(','));
    check_no_carriage_return(where, rest);
    if (rest.find('"') != std::string_view::npos || (quoted && !rest.empty()))
      fail_data("{}: quotation marks stand around a whole cell, and a mark within one is doubled (RFC 4180)", where);
    cell += rest;
    row.remove_prefix(rest.size());
    if (row.empty()) return cells;
    row.remove_prefix(1);
  }
}

/// Joins the lines of a .csv row, which continues while a quotation mark is open.
class QuotedRow {
 public:
  /// Append a line. Returns whether the row is complete.
  bool add(long number, std::string_view line) {
    if (open_)
      text_ += '\n';
    else
      begin_ = number, text_.clear();
    text_ += line;
    if (std::count(line.begin(), line.end(), '"') % 2 == 1) open_ = !open_;
    return !open_;
  }
  bool open() const { return open_; }
  long begin() const { return begin_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  long begin_ = 0;
  bool open_ = false;
};

/// Whether the line is Excel's "sep=" directive instead of a row. Throws when it names another separator than this
/// file's.
bool names_separator(const std::filesystem::path& file, std::string_view line) {
  if (!line.starts_with("sep=") || line.size() != 5) return false;
  if (line.back() == (is_csv(file) ? ',' : '\t')) return true;
  fail_data("{}: the cells stand between '{}'; save the table with commas as a .csv, or with tabs as a .tsv",
            where_of(file, 1), line.back());
}

}  // namespace

bool is_csv(const std::filesystem::path& file) {
  return (is_compressed(file) ? file.stem() : file.filename()).extension() == ".csv";
}

std::string where_of(const std::filesystem::path& file, long line) {
  return fmt::format("{} line {}", file.string(), line);
}

void read_table(const std::filesystem::path& file,
                const std::function<void(long line, std::span<const std::string> cells)>& each) {
  const bool quotes = is_csv(file);
  QuotedRow row;
  long empty = 0;  // the line of the first empty row before this one
  read_lines(file, [&](long number, std::string_view line) {
    if (number == 1 && names_separator(file, line)) return;
    if (quotes && !row.add(number, line)) return;
    const long begin = quotes ? row.begin() : number;
    const std::string where = where_of(file, begin);
    const auto cells = quotes ? cells_between_commas(where, row.text()) : cells_between_tabs(where, line);
    if (std::all_of(cells.begin(), cells.end(),
                    [](const std::string& cell) { return cell.find_first_not_of(' ') == std::string::npos; })) {
      if (empty == 0) empty = begin;
      return;
    }
    if (empty > 0) fail_data("{}: the line is empty; take it out, rows follow it", where_of(file, empty));
    each(begin, cells);
  });
  if (row.open())
    fail_data("{}: the quotation mark that opens in this row is never closed", where_of(file, row.begin()));
}

}  // namespace lra
