/// Markdown: tables aligned for the terminal that GitHub renders. The meaning of each mark is below its table.
#include <fmt/format.h>

#include "core/text.h"
#include "results/tables/document.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

std::string formatted(const TableCell& cell) {
  if (cell.rank == Rank::best) return fmt::format("**{}**", cell.text);
  if (cell.rank == Rank::second) return fmt::format("<u>{}</u>", cell.text);
  return cell.text;
}

void write_table(const Table& table, std::ostream& out) {
  out << "## " << shown_on_a_line(table.title) << "\n\n";
  if (!table.lead.empty()) out << shown_on_a_line(table.lead) << "\n\n";
  if (!table.rows.empty()) {
    TextTable text{table.head, {}};
    for (const TableRow& row : table.rows) {
      auto& texts = text.rows.emplace_back();
      for (const TableCell& cell : row.cells) texts.push_back(formatted(cell));
      if (row.aside && texts.size() == 1) texts.front() = fmt::format("*{}*", texts.front());
    }
    out << text << '\n';
  }
  for (const std::string& note : table.notes) out << "- " << shown_on_a_line(note) << '\n';
  if (!table.notes.empty()) out << '\n';
}

void write_markdown(const Store& store, const ReportRequest& request, std::ostream& out) {
  const Comparison comparison = compare_runs(store, request);
  for (const Table& table : tables_of(comparison, store, request)) write_table(table, out);
}

const RegisterReport registered{"markdown", "tables for the terminal and for GitHub", write_markdown};

}  // namespace
}  // namespace lra
