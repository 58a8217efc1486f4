#include <algorithm>
#include <cstdio>
#include <iostream>

#include "models/layers/registry.h"
#include "results/tables/report.h"
#include "tasks/preset.h"
#include "tasks/task.h"
#include "tools/lra/command.h"
#include "tools/lra/model_table.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

Json list_tasks() {
  Json all = Json::array();
  for (const std::string& name : task_names()) {
    Json presets = Json::array();
    for (const std::string& preset : preset_names()) {
      const auto covered = tasks_of_preset(preset);
      if (std::find(covered.begin(), covered.end(), name) != covered.end()) presets.push_back(preset);
    }
    all.push_back({{"name", name}, {"summary", describe_task(name)}, {"presets", presets}});
  }
  return all;
}

Json list_presets() {
  Json all = Json::array();
  for (const std::string& name : preset_names())
    all.push_back({{"name", name}, {"tasks", tasks_of_preset(name)}, {"summary", preset(name).at("summary")}});
  return all;
}

Json list_formats() {
  Json all = Json::array();
  for (const std::string& name : report_formats().names())
    all.push_back({{"name", name}, {"summary", report_formats().at(name).summary}});
  return all;
}

std::string cell_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  std::string text;
  for (const Json& entry : value) text += (text.empty() ? "" : " ") + entry.get<std::string>();
  return text;
}

/// The number of characters of a UTF-8 text, which is what fmt's widths count.
std::size_t width_of(const std::string& text) {
  return std::size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// Prints the column names, then one aligned line per entry.
void print_columns(Json entries, const std::vector<std::string>& columns) {
  Json names;
  for (const std::string& column : columns) names[column] = column;
  entries.insert(entries.begin(), names);
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const Json& entry : entries)
    for (std::size_t c = 0; c < columns.size(); ++c)
      widths[c] = std::max(widths[c], width_of(cell_text(entry.at(columns[c]))));
  for (const Json& entry : entries) {
    std::string line;
    for (std::size_t c = 0; c < columns.size(); ++c)
      line += fmt::format("{:<{}}", cell_text(entry.at(columns[c])), c + 1 < columns.size() ? widths[c] + 2 : 0);
    fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  }
}

/// A heading per class, its models below.
void print_models(const Json& rows) {
  Json lines = Json::array();
  std::string group;
  for (Json row : grouped(rows)) {
    if (row.at("group") != group) {
      group = row.at("group").get<std::string>();
      lines.push_back({{"name", group}, {"also", ""}, {"complexity", ""}, {"parameters", ""}, {"paper", ""}});
    }
    row["name"] = "  " + row.at("name").get<std::string>();
    row["paper"] = short_citation(row.at("paper"));
    lines.push_back(row);
  }
  print_columns(lines, {"name", "also", "complexity", "parameters", "paper"});
}

void list(const std::string& what, const std::string& wanted, bool json) {
  check_name("list", what, {"tasks", "models", "presets", "formats"});
  if (!wanted.empty() && what != "models") fail_usage("--class is only for 'lra list models'");
  const Json entries = what == "tasks"     ? list_tasks()
                       : what == "models"  ? model_rows(models().names(), wanted)
                       : what == "presets" ? list_presets()
                                           : list_formats();
  if (json)
    std::cout << entries.dump(2) << "\n";
  else if (what == "models")
    print_models(entries);
  else if (what == "presets")
    print_columns(entries, {"name", "tasks", "summary"});
  else
    print_columns(entries, {"name", "summary"});
}

}  // namespace

void add_list(const Command& program, int& exit_code) {
  Command command = program.add_subcommand("list", "List tasks, models, presets or report formats");
  const auto what = std::make_shared<std::string>(), wanted = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command.add_option("what", *what, "tasks, models (with parameters on text, preset quick), presets or formats")
      .required();
  command.add_option("--class", *wanted, "only models of this class, such as --class kernel");
  command.add_flag("--json", *json, "as JSON");
  add_plugin_option(command);
  command.callback([what, wanted, json, &exit_code] {
    list(*what, *wanted, *json);
    exit_code = 0;
  });
}

}  // namespace lra
