/// Markdown: tables that line up in a terminal and that GitHub draws. A mark's meaning stands below the table it occurs
/// in.
#include <fmt/format.h>

#include "harness/core/text.h"
#include "results/tables/document.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

std::string dressed(const Item& item) {
  if (item.rank == Rank::best) return fmt::format("**{}**", item.text);
  if (item.rank == Rank::second) return fmt::format("<u>{}</u>", item.text);
  return item.text;
}

void write_sheet(const Sheet& sheet, std::ostream& out) {
  out << "## " << shown_on_a_line(sheet.title) << "\n\n";
  if (!sheet.lead.empty()) out << shown_on_a_line(sheet.lead) << "\n\n";
  if (!sheet.lines.empty()) {
    TextTable text{sheet.head, {}};
    for (const Line& line : sheet.lines) {
      auto& row = text.rows.emplace_back();
      for (const Item& item : line.items) row.push_back(dressed(item));
      if (line.aside && line.items.size() == 1) row.front() = fmt::format("*{}*", row.front());
    }
    out << text << '\n';
  }
  for (const std::string& note : sheet.notes) out << "- " << shown_on_a_line(note) << '\n';
  if (!sheet.notes.empty()) out << '\n';
}

void write_markdown(const Store& store, const ReportRequest& request, std::ostream& out) {
  const Comparison comparison = compare_runs(store, request);
  for (const Sheet& sheet : sheets_of(comparison, store, request)) write_sheet(sheet, out);
}

const RegisterReport registered{"markdown", "tables for the terminal and for GitHub", write_markdown};

}  // namespace
}  // namespace lra
