#include "tools/lra/runs.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>

#include "core/file.h"
#include "results/store/database_file.h"
#include "results/tables/document.h"
#include "results/tables/labels.h"
#include "results/tables/row.h"
#include "results/tables/text_table.h"
#include "results/tables/versions.h"
#include "tools/lra/command.h"
#include "tools/lra/default_paths.h"
#include "tools/lra/report_request.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct RunsOptions {
  std::string model, task, preset, status, output, other, data, database = kDefaultDatabase;
  std::vector<long> ids;
  long id = 0, threads = 0;
  bool json = false;
};

/// Throws a usage error if `name` is not empty and none of the runs has it.
void expect_stored(const std::string& what, const std::string& name, const std::vector<StoredRun>& runs,
                   std::string StoredRun::*own) {
  std::set<std::string> names;
  for (const StoredRun& run : runs) names.insert(run.*own);
  if (!name.empty()) check_name(what, name, {names.begin(), names.end()});
}

/// The runs of any status that match the options, ordered by id.
std::vector<StoredRun> selected(const Store& store, const RunsOptions& options) {
  std::vector<StoredRun> all = all_runs(store);
  if (all.empty()) fail_usage("{} has no runs; `lra run` adds some", store.path().string());
  const std::string task = options.task.empty() ? "" : stored_task(options.task, all);
  expect_stored("model", options.model, all, &StoredRun::model);
  expect_stored("preset", options.preset, all, &StoredRun::preset);
  const auto differs = [](const std::string& wanted, const std::string& is) { return !wanted.empty() && wanted != is; };
  std::erase_if(all, [&](const StoredRun& run) {
    return differs(options.model, run.model) || (!task.empty() && !is_on_task(run, task)) ||
           differs(options.preset, run.preset) || differs(options.status, run.status) ||
           (!options.ids.empty() && std::find(options.ids.begin(), options.ids.end(), run.id) == options.ids.end());
  });
  if (all.empty())
    fail_usage("{} has no run that matches; `{}` shows all", store.path().string(),
               command_on(store.path(), "runs list"));
  return all;
}

StoredRun find_run(const Store& store, long id) {
  auto run = store.find(id);
  if (!run)
    fail_usage("{} has no run {}; `{}` shows all runs", store.path().string(), id,
               command_on(store.path(), "runs list"));
  return std::move(*run);
}

void list_runs(const RunsOptions& options) {
  const Store store = open_database(options.database);
  const auto runs = selected(store, options);
  if (options.json) {
    std::vector<const StoredRun*> all;
    all.reserve(runs.size());
    for (const StoredRun& run : runs) all.push_back(&run);
    std::cout << Json(json_rows(store, all)).dump(2) << '\n';
    return;
  }
  TextTable table{{"run", "task", "model", "seed", "status", "accuracy", "time", "started"}, {}};
  for (const StoredRun& run : runs)
    table.rows.push_back({std::to_string(run.id), run.variant, row_label(run), std::to_string(run.seed), run.status,
                          run.status == "done" ? percent(accuracy(run)) : "–", human_seconds(run.seconds),
                          run.started});
  std::cout << table;
}

Json full_json(const Store& store, const StoredRun& run) {
  Json json = full_json_row(run, store.baselines(run.variant, run.data_fingerprint));
  std::string correctness;
  for (const std::uint8_t hit : run.test_correctness) correctness += hit ? '1' : '0';
  json["test_hits"] = correctness;
  json["environment"] = json_of(store.environments().at(run.environment));
  return json;
}

void show_run(const RunsOptions& options) {
  const Store store = open_database(options.database);
  const StoredRun run = find_run(store, options.id);
  Json json = full_json(store, run);
  if (!options.json) {
    // Long values are only printed with --json.
    json["history"] = fmt::format("{} values", run.history.size());
    json["test_hits"] = fmt::format("{} examples", run.test_correctness.size());
  }
  std::cout << json.dump(2) << '\n';
}

void delete_runs(const RunsOptions& options) {
  (void)open_database(options.database);  // throws if it does not exist; opening it to write would create it
  Store store = open_database_to_write(options.database);
  const long removed = store.remove(options.ids);
  std::cout << plural(removed, "run") << " deleted\n";
}

/// The contents of a new database with only these runs.
std::vector<std::byte> database_of(const Store& store, const std::vector<StoredRun>& runs) {
  Store copy(":memory:");
  const auto environments = store.environments();
  for (const StoredRun& run : runs) {
    copy.add(store.find(run.id).value(), environments.at(run.environment));
    const auto baselines = store.baselines(run.variant, run.data_fingerprint);
    copy.add_baselines(run.variant, run.data_fingerprint, baselines);
    copy.add_cautions(run.variant, run.data_fingerprint, store.cautions(run.variant, run.data_fingerprint));
  }
  return copy.image();
}

void export_runs(const RunsOptions& options) {
  const bool as_database = std::filesystem::path(options.output).extension() == ".db";
  if (as_database && is_file(options.output))
    fail_usage("{} exists already; `lra runs merge` adds to a database", options.output);
  if (as_database) check_no_stale_log(options.output);
  const Store store = open_database(options.database);
  const auto runs = selected(store, options);
  if (as_database) return write_file(options.output, database_of(store, runs));
  Json all = Json::array();
  for (const StoredRun& run : runs) all.push_back(full_json(store, store.find(run.id).value()));
  if (options.output.empty())
    std::cout << all.dump(1) << '\n';
  else
    write_file(options.output, all.dump(1) + "\n");
}

void merge_runs(const RunsOptions& options) {
  std::error_code none;
  if (std::filesystem::equivalent(options.other, options.database, none))
    fail_usage("{} is the database itself; name the one to merge into with --db", options.other);
  const Store other = open_database(options.other);
  Store store = open_database_to_write(options.database);
  const auto [runs, measurements] = store.merge(other);
  std::cout << plural(runs, "run") << " and " << plural(measurements, "bench figure") << " added from " << options.other
            << '\n';
}

/// Adds a subcommand with the options that all share.
Command add_action(const Command& group, RunsOptions& options, const char* name, const char* summary) {
  Command action = group.add_subcommand(name, summary);
  add_database_option(action, options.database);
  return action;
}

void add_filters(const Command& action, RunsOptions& options) {
  action.add_option("--model", options.model, "only runs of this model");
  action.add_option("--task", options.task, "only runs on this task; tsv:FOLDER for your own data");
  action.add_option("--preset", options.preset, "only runs with this preset");
  action.add_option("--status", options.status, "only runs with this status: done, failed or interrupted");
}

}  // namespace

void add_runs(const Command& program, int& exit_code) {
  Command group =
      program.add_subcommand("runs", "List, show, delete, export, merge or reproduce the runs of the database");
  group.require_subcommand();
  const auto options = std::make_shared<RunsOptions>();
  const auto act = [options, &exit_code](Command action, void (*what)(const RunsOptions&)) {
    action.callback([options, what, &exit_code] {
      what(*options);
      exit_code = 0;
    });
  };

  Command list = add_action(group, *options, "list", "List one line per run");
  add_filters(list, *options);
  list.add_flag("--json", options->json, "print one JSON object per run");
  act(list, list_runs);

  Command show = add_action(group, *options, "show", "Show all details of a run");
  show.add_option("ID", options->id, "the run's id").required();
  show.add_flag("--json", options->json, "include history and predictions");
  act(show, show_run);

  Command remove = add_action(group, *options, "delete", "Delete runs permanently");
  remove.add_option("IDS", options->ids, "the runs' ids").required();
  act(remove, delete_runs);

  Command copy = add_action(group, *options, "export", "Export runs as JSON or as a new database");
  copy.add_option("IDS", options->ids, "the runs' ids; default: all");
  add_filters(copy, *options);
  copy.add_option("-o,--output", options->output,
                  "output file: a new database for NAME.db, otherwise JSON; default: JSON to stdout");
  act(copy, export_runs);

  Command merge = add_action(group, *options, "merge", "Add the runs of another database");
  merge.add_option("FILE", options->other, "the other database").required();
  act(merge, merge_runs);

  Command again = add_action(group, *options, "reproduce", "Run a stored run again and check whether the bits agree");
  again.add_option("ID", options->id, "the run's id").required();
  again.add_option("--data", options->data, "folder with its data; default: the folder used for the run").not_empty();
  again.add_option("--threads", options->threads,
                   "default: one per CPU that the process can use; does not change bits");
  again.callback([options, &exit_code] {
    exit_code = reproduce_run(options->database, options->id, options->data, options->threads);
  });
}

}  // namespace lra
