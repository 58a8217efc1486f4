#include "tools/lra/run_options.h"

#include <thread>

#include "harness/core/file.h"
#include "tools/lra/amount.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

/// A list in a configuration file may be text ("a,b"), one number or an array.
std::string list_text(const Json& value, const std::string& key) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  std::string text;
  if (value.is_array())
    for (const Json& entry : value) text += (text.empty() ? "" : ",") + list_text(entry, key);
  if (text.empty()) fail_usage("--config: '{}' must be a name, a number or a list of them, not {}", key, value.dump());
  return text;
}

Json read_config(const std::string& file) {
  Json json = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) fail_usage("--config: {} is not a JSON object with the options of 'lra run'", file);
  return json;
}

Json object_of(const Json& value, const std::string& key) {
  if (!value.is_object()) fail_usage("--config: '{}' must be an object, not {}", key, value.dump());
  return value;
}

/// The plain options that a file may hold too.
struct FileOptions {
  std::string data, db;
  std::string preset;
  long threads, jobs, limit;
  void fields(auto&& f) {
    f("preset", preset, "");
    f("data", data, "");
    f("db", db, "");
    f("threads", threads, "");
    f("jobs", jobs, "");
    f("limit", limit, "");
  }
};

/// What the file says, for every option that the command line left alone.
void apply_config(const Command& command, RunOptions& options) {
  Json file = read_config(options.config);
  const auto given = [&](const std::string& name) { return command.given("--" + name); };
  const auto take_list = [&](const char* key, std::string& target) {
    if (file.contains(key) && !given(key)) target = list_text(file.at(key), key);
    file.erase(key);
  };
  take_list("tasks", options.tasks);
  take_list("models", options.models);
  take_list("seeds", options.seeds);
  if (file.contains("set")) options.overrides.set = object_of(file.at("set"), "set");
  if (file.contains("model_args")) {
    options.overrides.model_args = object_of(file.at("model_args"), "model_args");
    for (const auto& [model, settings] : options.overrides.model_args.items()) object_of(settings, model);
  }
  if (file.contains("sweep") && !given("sweep")) {
    const Json sweep = object_of(file.at("sweep"), "sweep");
    for (const auto& [key, values] : sweep.items()) options.sweep.push_back(key + "=" + list_text(values, key));
  }
  file.erase("sweep");
  file.erase("set");
  file.erase("model_args");

  const FileOptions now{options.data, options.database, options.preset, options.threads, options.jobs, options.limit};
  (void)parse<FileOptions>(file, "--config", now);  // also refuses unknown keys, given on the command line or not
  for (const char* key : {"preset", "data", "db", "threads", "jobs", "limit"})
    if (given(key)) file.erase(key);
  const FileOptions merged = parse<FileOptions>(file, "--config", now);
  options.preset = merged.preset;
  options.data = merged.data;
  options.database = merged.db;
  options.threads = merged.threads;
  options.jobs = merged.jobs;
  options.limit = merged.limit;
}

}  // namespace

void declare(const Command& command, RunOptions& options) {
  command
      .add_option("--tasks", options.tasks,
                  "names, lra5, all, or tsv:FOLDER with one's own train.tsv, valid.tsv and test.tsv; "
                  "separated by commas")
      .shows_default();
  command.add_option("--models", options.models, "names, lra11 or all, separated by commas").shows_default();
  command.add_option("--preset", options.preset, "see 'lra list presets'").shows_default();
  command.add_option("--seeds", options.seeds, "such as 0, 0..2 or 1,3").shows_default();
  command.add_option("--set", options.set, "key=value: a setting of the recipe or of the encoder's shape");
  command.add_option("--model-args", options.model_args, "model:key=value: a setting of one model");
  command.add_option("--sweep", options.sweep,
                     "key=a,b,c: tries every value for every model and seed, and reports the best on validation");
  command.add_option("--data", options.data, "folder with official data").environment("LRA_DATA");
  command.add_option("--db", options.database, "database of results").environment("LRA_DB").shows_default();
  command.add_option("--threads", options.threads, "threads of all cells together; default: one a core");
  command
      .add_option(
          "--jobs", options.jobs,
          "cells at a time; more than 1 are timed as shared, which no efficiency table shows; 0: those that are "
          "expected to take less than a minute side by side, the others one by one")
      .shows_default();
  command.add_option("--limit", options.limit, "use at most so many examples of each split; not comparable");
  command.add_option("--max-memory", options.max_memory, "of a cell, such as 800M or 4G");
  command.add_option("--max-time", options.max_time, "of a cell, such as 90s, 30m or 2h");
  command.add_option("--checkpoint", options.checkpoint_seconds, "seconds between two checkpoints of a cell")
      .shows_default();
  command.add_option("--config", options.config, "JSON file with the same options; the command line wins");
  command.add_flag("--dry-run", options.dry_run, "show what would be run and what it would cost");
  command.add_flag("--no-estimate", options.no_estimate,
                   "with --dry-run: leave out what takes up to two seconds a task and model to find out");
  command.add_flag("--force", options.force, "run again what is done already");
  command.add_flag("--check-finite", options.check_finite, "check every tensor for numbers that are not finite");
  command.add_flag("--profile", options.profile, "show where the steps' time went, by layer and op");
  command.add_flag("--json", options.json, "print one JSON object a cell instead of a table");
}

void complete(const Command& command, RunOptions& options) {
  if (!options.config.empty()) apply_config(command, options);
  options.overrides.set.update(parse_settings(options.set));
  if (!options.sweep.empty()) options.overrides.sweep = parse_sweep(options.sweep);
  for (const auto& [key, values] : options.overrides.sweep.items())
    if (options.overrides.set.contains(key)) fail_usage("'{}' is given both to --set and to --sweep", key);
  options.overrides.model_args.merge_patch(parse_model_args(options.model_args));
  if (options.threads < 0 || options.threads > 1024)
    fail_usage("--threads must be from 1 to 1024, or 0 for one a core");
  if (options.jobs < 0 || options.jobs > 1024)
    fail_usage("--jobs must be from 1 to 1024, or 0 for short cells side by side");
  options.max_memory_bytes = parse_bytes(options.max_memory, "--max-memory");
  options.max_time_seconds = parse_seconds(options.max_time, "--max-time");
  if (options.threads == 0) options.threads = std::max(1L, long(std::thread::hardware_concurrency()));
}

std::vector<Experiment> experiments_of(const RunOptions& options) {
  const auto tasks = select_tasks(options.tasks, options.preset);
  const auto models = select_models(options.models);
  const auto seeds = parse_seeds(options.seeds);
  for (const auto& [model, settings] : options.overrides.model_args.items()) check_name("model", model, models);

  std::vector<Overrides> tries;
  for (const Json& choice : choices_of(options.overrides.sweep)) {
    tries.push_back(options.overrides);
    tries.back().set.update(choice);
  }

  std::vector<Experiment> experiments;
  for (const std::string& task : tasks)
    for (const std::string& model : models)
      for (const Overrides& one : tries)
        for (const std::uint64_t seed : seeds)
          experiments.push_back(
              make_experiment(task, options.preset, model, seed, options.limit, one, data_paths(options.data).root));
  return experiments;
}

}  // namespace lra
