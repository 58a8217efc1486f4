/// LaTeX: one table environment per table, with booktabs. The best is bold and the second underlined, by significance.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "core/text.h"
#include "results/tables/document.h"

namespace lra {
namespace {

/// Characters with a special meaning or no glyph in LaTeX, and their replacements.
constexpr std::array<std::pair<std::string_view, std::string_view>, 29> kSpellings{{
    {"\\", "\\textbackslash{}"},
    {"{", "\\{"},
    {"}", "\\}"},
    {"$", "\\$"},
    {"&", "\\&"},
    {"#", "\\#"},
    {"%", "\\%"},
    {"_", "\\_"},
    {"^", "\\^{}"},
    {"~", "\\~{}"},
    {"<", "$<$"},
    {">", "$>$"},
    {"±", "$\\pm$"},
    {"×", "$\\times$"},
    {"–", "--"},
    {"−", "$-$"},
    {"†", "\\dag{}"},
    {"‡", "\\ddag{}"},
    {"§", "\\S{}"},
    {"¶", "\\P{}"},
    {"‖", "$\\|$"},
    {"≀", "$\\wr$"},
    {"◊", "$\\diamond$"},
    {"⚠", "$\\triangle$"},
    {"√", "$\\surd$"},
    {"²", "$^2$"},
    {"ö", "\\\"o"},
    {"…", "\\dots{}"},
    {"’", "'"},
}};

/// The text on one line, without invisible characters.
std::string plain(std::string_view text) {
  std::string line = shown(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

/// Replaces the characters that \label and \ref do not accept.
std::string label(std::string_view id) {
  std::string out(id);
  const auto is_allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == ':' || c == '_' || c == '@';
  };
  std::replace_if(
      out.begin(), out.end(), [&](char c) { return !is_allowed(c); }, '-');
  return out;
}

/// Escaped; `code` becomes typewriter type.
std::string escaped(std::string_view given) {
  const std::string line = plain(given);
  const std::string_view text = line;
  const std::size_t last = text.rfind('`');  // an unpaired backtick is printed as such
  const bool is_open = std::count(text.begin(), text.end(), '`') % 2 == 1;
  std::string out;
  bool code = false;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '`' && is_open && at == last) {
      out += "\\textasciigrave{}", ++at;
      continue;
    }
    if (text[at] == '`') {
      out += code ? "}" : "\\texttt{";
      code = !code, ++at;
      continue;
    }
    std::string_view replacement;
    std::size_t length = 1;
    for (const auto& [from, to] : kSpellings)
      if (text.substr(at, from.size()) == from) replacement = to, length = from.size();
    if (replacement.empty())
      out += text[at];
    else
      out += replacement;
    at += length;
  }
  return out;
}

std::string formatted(const TableCell& cell) {
  std::string text = escaped(cell.text);
  if (cell.rank == Rank::best) return fmt::format("\\textbf{{{}}}", text);
  if (cell.rank == Rank::second) return fmt::format("\\underline{{{}}}", text);
  return text;
}

void write_row(const std::vector<TableCell>& cells, std::size_t columns, std::ostream& out) {
  for (std::size_t c = 0; c < columns; ++c) out << (c ? " & " : "  ") << (c < cells.size() ? formatted(cells[c]) : "");
  out << " \\\\\n";
}

void write_table(const Table& table, std::ostream& out) {
  out << "% " << plain(table.title) << '\n';
  if (table.rows.empty()) {
    for (const std::string& note : table.notes) out << "% " << plain(note) << '\n';
    out << '\n';
    return;
  }
  const std::string align =
      table.words ? std::string(table.head.size(), 'l') : "l" + std::string(table.head.size() - 1, 'r');
  out << "\\begin{table}\n  \\centering\n  \\caption{" << escaped(table.title) << ". " << escaped(table.lead)
      << "}\n  \\label{tab:" << label(table.id) << "}\n  \\begin{tabular}{" << align << "}\n  \\toprule\n";
  write_row({table.head.begin(), table.head.end()}, table.head.size(), out);
  out << "  \\midrule\n";
  bool aside = false;
  for (const TableRow& row : table.rows) {
    if (row.aside && !aside) out << "  \\midrule\n";
    aside = row.aside;
    write_row(row.cells, table.head.size(), out);
  }
  out << "  \\bottomrule\n  \\end{tabular}\n";
  for (const std::string& note : table.notes) out << "  \\par\\footnotesize " << escaped(note) << '\n';
  out << "\\end{table}\n\n";
}

void write_latex(const Store& store, const ReportRequest& request, std::ostream& out) {
  const Comparison comparison = compare_runs(store, request);
  out << "% needs \\usepackage{booktabs}\n\n";
  for (const Table& table : tables_of(comparison, store, request)) write_table(table, out);
}

const RegisterReport registered{"latex", "tables for a paper (booktabs)", write_latex};

}  // namespace
}  // namespace lra
