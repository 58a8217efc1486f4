#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "core/text.h"
#include "harness/environment.h"
#include "harness/experiment.h"
#include "harness/progress.h"
#include "harness/revision.h"
#include "harness/runner.h"
#include "results/store/database_file.h"
#include "results/store/numeric_level.h"
#include "tools/lra/command.h"
#include "tools/lra/default_paths.h"
#include "tools/lra/report_request.h"
#include "tools/lra/runs.h"
#include "tools/lra/threads.h"

namespace lra {
namespace {

/// The folder of the run's data: `data` if given, otherwise the stored folder. If an older version stored none,
/// official data are in LRA_DATA, or in the default folder, for which this is empty.
std::string folder_of(const StoredRun& run, const std::string& data) {
  if (!data.empty()) return utf8_path(std::filesystem::absolute(data), data).string();
  if (!run.data_folder.empty()) return run.data_folder;
  if (is_own_task(run.task)) fail_usage("run {} was trained on user data; name their folder with --data", run.id);
  const char* official = std::getenv("LRA_DATA");
  return official ? official : "";
}

Experiment stored_experiment(const StoredRun& run, const std::string& folder) {
  const Json& stored = run.experiment;
  try {
    return decode_experiment({{"task", is_own_task(run.task) ? "tsv:" + folder : run.task},
                              {"spec", stored.at("task")},
                              {"preset", run.preset},
                              {"data", stored.at("data")},
                              {"encoder", stored.at("settings").at("encoder")},
                              {"mixer", stored.at("settings").at("model")},
                              {"recipe", stored.at("recipe")},
                              {"model", stored.at("model")},
                              {"model_settings", stored.at("settings").at("model")},
                              {"seed", stored.at("seed")},
                              {"limit", stored.at("limit")},
                              {"sweep", run.sweep}});
  } catch (const Json::exception& error) {
    fail_data("run {} was stored by a version of lra whose experiments this one cannot read: {}", run.id, error.what());
  }
}

/// The run's cell with the data in `folder`, whose fingerprint must match the run's. `is_named`: --data named it.
std::vector<Cell> cell_of(const StoredRun& run, const std::string& folder, bool is_named, Store& scratch,
                          MatrixObserver& observer) {
  const DataPaths paths = remembered_paths(folder);
  std::vector<Cell> cells;
  try {
    cells = prepare({stored_experiment(run, folder)}, paths, scratch, observer);
  } catch (const Error& error) {  // add that the folder is the stored one
    if (error.kind() != Kind::data) throw;
    fail_data("the data of run {} were sought in {}{}: {}; --data names {} place", run.id, paths.root.string(),
              is_named ? "" : ", where they were when it was made", error.what(), is_named ? "another" : "a new");
  }
  if (cells.front().data_fingerprint != run.data_fingerprint)
    fail_data("the data in {} have the fingerprint {}, run {} was made with {}; --data names another place",
              paths.root.string(), cells.front().data_fingerprint, run.id, run.data_fingerprint);
  return cells;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool same_history(const StoredRun& a, const StoredRun& b) {
  return std::equal(a.history.begin(), a.history.end(), b.history.begin(), b.history.end(),
                    [](const Metric& x, const Metric& y) {
                      return x.step == y.step && x.split == y.split && x.name == y.name && same(x.value, y.value);
                    });
}

std::string digits(const std::string& digest) { return digest.empty() ? "none" : digest.substr(0, 16); }

bool print_agreement(const char* what, const std::string& before, const std::string& now, bool agrees) {
  fmt::print("{:<12} {:<22} {:<22} {}\n", what, before, now, agrees ? "agrees" : "DIFFERS");
  return agrees;
}

bool agree(const StoredRun& before, const StoredRun& now) {
  fmt::print("{:<12} {:<22} {:<22}\n", "", fmt::format("run {}", before.id), "now");
  bool all = print_agreement("parameters", digits(before.parameter_digest), digits(now.parameter_digest),
                             before.parameter_digest == now.parameter_digest);
  all &= print_agreement("accuracy", fmt::format("{} of {}", before.test_correct, before.test_examples),
                         fmt::format("{} of {}", now.test_correct, now.test_examples),
                         before.test_correct == now.test_correct && before.test_examples == now.test_examples);
  all &= print_agreement("test loss", fmt::format("{:.9g}", before.test_loss), fmt::format("{:.9g}", now.test_loss),
                         same(before.test_loss, now.test_loss));
  all &= print_agreement("predictions", fmt::format("{} examples", before.test_correctness.size()),
                         fmt::format("{} examples", now.test_correctness.size()),
                         before.test_correctness == now.test_correctness);
  all &= print_agreement("history", fmt::format("{} values", before.history.size()),
                         fmt::format("{} values", now.history.size()), same_history(before, now));
  return all;
}

}  // namespace

int reproduce_run(const std::string& database, long id, const std::string& data, long threads) {
  const Store store = open_database(database);
  const auto before = store.find(id);
  if (!before) fail_usage("{} has no run {}; `{}` shows all runs", database, id, command_on(database, "runs list"));
  if (before->status != "done")
    fail_usage("run {} is not finished ({}), so there is nothing to reproduce", id, before->status);
  const Environment here = capture_environment();
  const std::string difference = level_difference(store.environments().at(before->environment), here);
  if (!difference.empty()) fail("run {} {}", id, difference);

  const std::string folder = folder_of(*before, data);
  MatrixOptions options;
  options.paths = data.empty() ? remembered_paths(folder) : data_paths(data);
  options.cell.threads = threads_of(threads);
  options.force = true;
  options.stop = &interrupted;
  Store scratch(":memory:");
  std::vector<Outcome> outcomes;
  {
    ProgressDisplay progress(1);
    const auto cells = cell_of(*before, folder, !data.empty(), scratch, progress);
    if (const std::string revision = model_revision(before->model); revision != before->model_revision)
      spdlog::warn("the run was made with revision {} of model and engine, but this build has {}: bits may differ",
                   before->model_revision, revision);
    watch_signals(/*second_ends=*/true);
    outcomes = run_cells(cells, scratch, here, options, progress);
  }
  if (interrupted) return kInterrupted;
  const StoredRun& now = outcomes.front().run;
  if (now.status != "done") fail("run {} could not be reproduced: {}", id, now.reason);
  const bool all = agree(*before, now);
  fmt::print("{}\n", all ? "Every bit agrees." : "Not the same bits.");
  return all ? 0 : int(Kind::failed);
}

}  // namespace lra
