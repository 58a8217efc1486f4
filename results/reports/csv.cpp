/// CSV (RFC 4180): one line per run with every figure, or, for the table `bench`, one line per measured length.
#include "results/tables/document.h"
#include "results/tables/row.h"

namespace lra {
namespace {

std::string quoted(const Json& value) {
  if (value.is_null()) return "";
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

void write_rows(const std::vector<Json>& rows, std::ostream& out) {
  std::map<std::string, bool> rest;  // the columns that any row has and that are not placed yet
  for (const Json& row : rows)
    for (const auto& [name, value] : row.items()) rest[name] = true;
  rest.erase("schema_version");  // only in JSON
  std::vector<std::string> columns;
  for (const char* name : {"run", "preset", "task", "variant", "model", "length", "seed", "status", "accuracy"})
    if (rest.erase(name)) columns.emplace_back(name);
  for (const auto& [name, present] : rest) columns.push_back(name);

  for (std::size_t c = 0; c < columns.size(); ++c) out << (c ? "," : "") << columns[c];
  out << "\r\n";
  for (const Json& row : rows) {
    for (std::size_t c = 0; c < columns.size(); ++c) out << (c ? "," : "") << quoted(row.value(columns[c], Json()));
    out << "\r\n";
  }
}

/// Writes tables whose rows are not runs, one line per row.
void write_tables(const std::vector<Table>& tables, std::ostream& out) {
  const std::vector<std::string>* head = nullptr;
  for (const Table& table : tables) {
    if (table.rows.empty()) continue;
    if (!head || *head != table.head) {
      out << "table";
      for (const std::string& name : table.head) out << ',' << quoted(name);
      out << "\r\n";
      head = &table.head;
    }
    for (const TableRow& row : table.rows) {
      out << quoted(table.id);
      for (const TableCell& cell : row.cells) out << ',' << quoted(cell.text);
      out << "\r\n";
    }
  }
}

void write_csv(const Store& store, const ReportRequest& request, std::ostream& out) {
  const Comparison comparison = compare_runs(store, request);
  for (const char* table : {"differences", "published", "seeds", "configurations", "model"})
    if (request.table == table) return write_tables(tables_of(comparison, store, request), out);
  std::vector<Json> rows;
  if (request.table == "bench" || comparison.runs.empty()) {
    for (const BenchTable& table : comparison.benches)
      for (const BenchRow& row : table.rows) rows.push_back(json_row(table, row));
  } else {
    const auto runs = runs_of(comparison, request);
    rows = json_rows(store, runs);
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (const auto cautions = store.cautions(runs[i]->variant, runs[i]->data_fingerprint); !cautions.empty())
        rows[i]["cautions"] = fmt::format("{}", fmt::join(cautions, "; "));
  }
  write_rows(rows, out);
}

const RegisterReport registered{"csv", "one line per run with every figure", write_csv};

}  // namespace
}  // namespace lra
