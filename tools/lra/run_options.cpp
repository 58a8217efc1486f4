#include "tools/lra/run_options.h"

#include "tasks/preset.h"
#include "tools/lra/amount.h"
#include "tools/lra/hints.h"
#include "tools/lra/run_config.h"
#include "tools/lra/selection.h"
#include "tools/lra/threads.h"

namespace lra {
namespace {

/// The part of a sweep that applies to one model: settings of recipe and encoder, and those written "model:key".
struct ModelSweep {
  Json values;                     // the values to try, by key; null without any
  Json of_model = Json::object();  // the keys that are settings of the model itself
};

ModelSweep sweep_of(const Json& sweep, const std::string& model) {
  ModelSweep own;
  for (const auto& [name, values] : sweep.items()) {
    const std::size_t colon = name.find(':');
    const std::string key = colon == std::string::npos ? name : name.substr(colon + 1);
    if (colon != std::string::npos && name.substr(0, colon) != model) continue;
    own.values[key] = values;
    if (colon != std::string::npos) own.of_model[key] = true;
  }
  return own;
}

/// The overrides of each setting of the sweep for `model`; without a sweep, one entry.
std::vector<Overrides> tries_of(const Overrides& overrides, const std::string& model) {
  const ModelSweep sweep = sweep_of(overrides.sweep, model);
  std::vector<Overrides> tries;
  for (const Json& choice : choices_of(sweep.values)) {
    Overrides one = overrides;
    one.sweep = sweep.values;
    for (const auto& [key, value] : choice.items())
      (sweep.of_model.contains(key) ? one.model_args[model] : one.set)[key] = value;
    tries.push_back(std::move(one));
  }
  return tries;
}

/// Throws a usage error for a sweep that cannot run.
void check_sweep(const Overrides& overrides, const std::vector<std::string>& models) {
  const std::vector<std::string> known = setting_names();
  for (const auto& [name, values] : overrides.sweep.items()) {
    const std::size_t colon = name.find(':');
    if (changes_data(name))
      fail_usage("--sweep: each value of '{0}' is another task variant; run them one by one with --set {0}=…", name);
    if (colon == std::string::npos) {
      if (overrides.set.contains(name)) fail_usage("'{}' is given both to --set and to --sweep", name);
      if (std::find(known.begin(), known.end(), name) == known.end())
        if (const std::string sentence = explain_model_setting(name, models); !sentence.empty())
          fail_usage("--sweep: {}", sentence);
      for (const Json& value : values) check_setting(name, value, "--sweep");
      continue;
    }
    const std::string model = name.substr(0, colon), key = name.substr(colon + 1);
    check_chosen_model("--sweep", model, models);
    if (overrides.model_args.contains(model) && overrides.model_args.at(model).contains(key))
      fail_usage("'{}' is given both to --model-args and to --sweep", name);
    if (overrides.sweep.contains(key)) fail_usage("--sweep: '{}' and '{}' are the same for {}", key, name, model);
  }
}

}  // namespace

void declare(const Command& command, RunOptions& options) {
  options.matrix.cell.threads = 0;
  command
      .add_option("--tasks", options.tasks,
                  "names, lra5, all, or tsv:FOLDER with your own train.tsv, valid.tsv and test.tsv; "
                  "separated by commas")
      .shows_default();
  command.add_option("--models", options.models, "names, lra11 or all, separated by commas").shows_default();
  command.add_option("--preset", options.preset, "see 'lra list presets'").shows_default();
  command.add_option("--seeds", options.seeds, "such as 0, 0..2 or 1,3").shows_default();
  command.add_option("--set", options.set, "key=value: a setting of the recipe or of the encoder's shape");
  command.add_option("--model-args", options.model_args, "model:key=value: a setting of one model");
  command.add_option("--sweep", options.sweep,
                     "key=a,b,c: try every value for every model and seed, and report the best on validation data; "
                     "model:key=a,b,c: a setting of one model");
  command.add_option("--data", options.data, "folder with official data").not_empty().environment("LRA_DATA");
  add_database_option(command, options.database);
  command.add_option("--threads", options.matrix.cell.threads,
                     "total number of threads over all cells; default: one per CPU that the process can use");
  command
      .add_option(
          "--jobs", options.matrix.jobs,
          "number of cells to run at once; with more than 1 they are marked shared, and efficiency tables leave them "
          "out; 0: run cells that are expected to take less than a minute at once, the others one by one")
      .shows_default();
  command.add_option("--limit", options.limit,
                     "use at most this many examples of each split; the results are not comparable");
  command.add_option("--max-memory", options.max_memory, "memory limit per cell, such as 800M or 4G (powers of 1024)");
  command.add_option("--max-time", options.max_time, "time limit per cell, such as 90s, 30m, 1h30m or 2d");
  command.add_option("--checkpoint", options.checkpoint, "time between checkpoints of a cell, such as 30s or 5m")
      .shows_default();
  command.add_option("--config", options.config,
                     "JSON file with any of these options, \"set\", \"sweep\" and \"model_args\" as objects; the "
                     "command line takes precedence");
  command.add_flag("--dry-run", options.dry_run, "show what would run and what it would cost");
  command.add_flag("--no-estimate", options.no_estimate,
                   "with --dry-run: leave out the estimates, which take up to two seconds per task and model");
  command.add_flag("--force", options.matrix.force, "run cells again that are already done");
  command.add_flag("--check-finite", options.matrix.cell.check_finite, "check every tensor for non-finite numbers");
  command.add_flag("--profile", options.matrix.cell.profile, "print the time per step by layer and op");
  command.add_flag("--json", options.json, "print one JSON object per cell instead of a table");
}

namespace {

void check_jobs(long jobs) {
  if (jobs < 0 || jobs > 1024) fail_usage("--jobs must be from 1 to 1024, or 0 to run only short cells at once");
}

/// Implements CheckOption.
void check_option(const RunOptions& options, const std::string& option, const std::string& entry) {
  if (option == "preset") check_name("preset", options.preset, preset_names());
  if (option == "tasks") (void)select_tasks(options.tasks, options.preset);
  if (option == "models") (void)select_models(options.models);
  if (option == "model-args") check_chosen_model("--model-args", entry, select_models(options.models));
  if (option == "seeds") (void)parse_seeds(options.seeds);
  if (option == "jobs") check_jobs(options.matrix.jobs);
  if (option == "limit" && options.limit < 0) fail_usage("--limit must be 0 or more, not {}", options.limit);
  if (option == "max-memory") (void)parse_bytes(options.max_memory, "--max-memory");
  if (option == "max-time") (void)parse_seconds(options.max_time, "--max-time");
  if (option == "checkpoint") (void)parse_seconds(options.checkpoint, "--checkpoint");
}

/// Removes from the file's overrides what the command line sets or sweeps.
void yield_to_command_line(Overrides& file, const Json& set, const Json& sweep, const Json& model_args) {
  if (file.sweep.is_null()) file.sweep = Json::object();
  for (const auto& [key, value] : set.items()) file.sweep.erase(key);
  for (const auto& [model, settings] : model_args.items())
    for (const auto& [key, value] : settings.items()) file.sweep.erase(model + ":" + key);
  for (const auto& [name, values] : sweep.items()) {
    const std::size_t colon = name.find(':');
    if (colon == std::string::npos)
      file.set.erase(name);
    else if (const auto own = file.model_args.find(name.substr(0, colon)); own != file.model_args.end())
      own->erase(name.substr(colon + 1));
  }
  if (file.sweep.empty()) file.sweep = Json();
}

}  // namespace

void complete(const Command& command, RunOptions& options) {
  if (!options.config.empty())
    apply_config(command, options.config, options.overrides,
                 [&options](const std::string& option, const auto& entry) { check_option(options, option, entry); });
  const Json set = parse_settings(options.set), sweep = parse_sweep(options.sweep);
  const Json model_args = parse_model_args(options.model_args);
  check_no_option(set, command);
  yield_to_command_line(options.overrides, set, sweep, model_args);
  options.overrides.set.update(set);
  if (!sweep.is_null()) options.overrides.sweep = sweep;
  options.overrides.model_args.merge_patch(model_args);
  options.matrix.cell.threads = threads_of(options.matrix.cell.threads);
  options.matrix.more_than_machine = is_more_than_machine(options.matrix.cell.threads);
  check_jobs(options.matrix.jobs);
  options.matrix.cell.max_memory = parse_bytes(options.max_memory, "--max-memory");
  options.matrix.cell.checkpoint_seconds = parse_seconds(options.checkpoint, "--checkpoint");
  options.matrix.max_seconds = parse_seconds(options.max_time, "--max-time");
}

std::vector<Experiment> experiments_of(const RunOptions& options) {
  const auto root = data_paths(options.data).root;
  const auto tasks = select_tasks(options.tasks, options.preset);
  const auto models = select_models(options.models);
  const auto seeds = parse_seeds(options.seeds);
  for (const auto& [model, settings] : options.overrides.model_args.items())
    check_chosen_model("--model-args", model, models);
  check_sweep(options.overrides, models);

  std::vector<Experiment> experiments;
  for (const std::string& task : tasks)
    for (const std::string& model : models)
      for (const Overrides& one : tries_of(options.overrides, model))
        for (const std::uint64_t seed : seeds)
          experiments.push_back(make_experiment(task, options.preset, model, seed, options.limit, one, root));
  for (const Experiment& experiment : experiments) warn_of_remark(experiment.plan);
  return experiments;
}

}  // namespace lra
