#include "results/tables/report.h"

#include <iostream>
#include <sstream>

#include "core/file.h"
#include "tasks/preset.h"
#include "tools/lra/command.h"
#include "tools/lra/default_paths.h"
#include "tools/lra/report_request.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct ReportOptions {
  std::string format = "markdown", table = "all", preset, tasks, models, model, output, database = kDefaultDatabase;
};

void report(const ReportOptions& options) {
  const ReportFormat& format = report_formats().at(options.format);
  check_name("table", options.table, report_tables());
  if (!options.preset.empty()) check_name("preset", options.preset, preset_names());
  const Store store = open_database(options.database);
  ReportRequest request = report_request(options.table, options.preset);
  if (!options.tasks.empty()) request.only_tasks = select_stored_tasks(options.tasks, all_runs(store));
  if (!options.models.empty()) request.only_models = select_stored_models(options.models, stored_models(store));
  request.model = options.model;
  if (!options.model.empty() && options.table == "all") request.table = "model";
  std::ostringstream text;
  format.write(store, request, text);
  if (options.output.empty())
    std::cout << text.str();
  else
    write_file(options.output, text.str());
}

}  // namespace

void add_report(const Command& program, int& exit_code) {
  Command command = program.add_subcommand("report", "Print tables of the results in the database");
  const auto options = std::make_shared<ReportOptions>();
  command.add_option("--format", options->format, "markdown, latex, csv, json or html").shows_default();
  command
      .add_option("--table", options->table,
                  "accuracy, differences, published, efficiency, bench, seeds, configurations, model or all")
      .shows_default();
  command.add_option("--model", options->model, "show the page of this model");
  command.add_option("--tasks", options->tasks,
                     "only these tasks' columns: names, lra5, all, or tsv:FOLDER, separated by commas");
  command.add_option("--models", options->models, "only these models' rows: names, lra11 or all, separated by commas");
  command.add_option("--preset", options->preset, "only runs with this preset");
  command.add_option("-o,--output", options->output, "write to this file instead of stdout");
  add_database_option(command, options->database);
  add_plugin_option(command);
  command.callback([options, &exit_code] {
    report(*options);
    exit_code = 0;
  });
}

}  // namespace lra
