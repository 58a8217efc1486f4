#include <spdlog/spdlog.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "core/text.h"
#include "harness/build_info.h"
#include "harness/environment.h"
#include "harness/estimate.h"
#include "harness/plugin.h"
#include "harness/progress.h"
#include "harness/runner.h"
#include "results/tables/report.h"
#include "results/tables/row.h"
#include "tools/lra/command.h"
#include "tools/lra/dry_run.h"
#include "tools/lra/profile_table.h"
#include "tools/lra/report_request.h"
#include "tools/lra/run_options.h"

namespace lra {
namespace {

/// The command line of this process in shell syntax, stored with each run.
std::string command_line() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(in, word, '\0');) words.push_back(word);
  return shell_command(words);
}

/// Prints progress to stderr, and the profile of each cell that has one to stdout.
class Display final : public ProgressDisplay {
 public:
  Display(std::size_t cells, bool prints_profiles) : ProgressDisplay(cells), prints_profiles_(prints_profiles) {}
  void ended(const Outcome& outcome) override {
    ProgressDisplay::ended(outcome);
    if (!outcome.profile || !prints_profiles_) return;
    print_profile(fmt::format("{} {} seed {}", outcome.run.variant, outcome.run.model, outcome.run.seed),
                  *outcome.profile);
    std::fflush(stdout);
  }

 private:
  bool prints_profiles_;
};

/// Sets expected_seconds of the cells that are not done, accurately enough to find the short ones. Times each task and
/// model once for all seeds; does nothing if no two cells could run at once.
void expect_seconds(std::vector<Cell>& cells, const Store& store, const MatrixOptions& matrix) {
  constexpr double kSecondsOfTrial = 0.3;
  std::vector<Cell*> to_run;
  for (Cell& cell : cells)
    if (matrix.force || !store.find(cell.key)) to_run.push_back(&cell);
  if (to_run.size() < 2 || matrix.cell.threads < 2) return;
  std::map<std::pair<std::string, std::string>, double> seconds;
  for (Cell* cell : to_run) {
    const Experiment& experiment = cell->experiment;
    double& known = seconds[{experiment.plan.task, experiment.model}];
    if (known == 0) known = estimate(experiment, matrix.paths, matrix.cell.threads, kSecondsOfTrial).seconds;
    cell->expected_seconds = known;
  }
}

bool is_done(const Outcome& outcome) { return outcome.run.status == "done"; }

Json json_of_cell(const Outcome& outcome, const Store& store) {
  const StoredRun run = store.find(outcome.run.id).value_or(outcome.run);  // not stored if it was not started
  Json row = full_json_row(run, store.baselines(run.variant, run.data_fingerprint));
  row["skipped"] = outcome.skipped;
  if (outcome.profile) row["profile"] = encode(*outcome.profile);
  return row;
}

void print_results(const std::vector<Outcome>& outcomes, const Store& store, const RunOptions& options) {
  if (options.json) {
    Json all = Json::array();
    for (const Outcome& outcome : outcomes) all.push_back(json_of_cell(outcome, store));
    std::cout << all.dump(2) << "\n";
  } else if (std::any_of(outcomes.begin(), outcomes.end(), is_done)) {
    report_formats().at("markdown").write(store, report_request("accuracy", options.preset), std::cout);
  }
}

/// Logs how many cells are not done and returns the exit code.
int sum_up(const std::vector<Outcome>& outcomes) {
  const auto are = [&](const char* status) {
    return std::count_if(outcomes.begin(), outcomes.end(), [&](const Outcome& o) { return o.run.status == status; });
  };
  const auto failed = are("failed"), cut = are("interrupted");
  if (cut) spdlog::warn("{} of {} cells were interrupted; the same command resumes them", cut, outcomes.size());
  if (failed) spdlog::error("{} of {} cells failed; the same command retries them", failed, outcomes.size());
  return failed ? int(Kind::failed) : cut ? kInterrupted : 0;
}

int run_matrix(const RunOptions& options) {
  const auto experiments = experiments_of(options);
  if (options.dry_run) {
    const Json cells = dry_run(experiments, options);
    if (options.json)
      std::cout << cells.dump(2) << "\n";
    else
      print_dry_run(cells, options);
    return lacks_data(cells) ? int(Kind::data) : 0;
  }

  check_shapes(experiments);
  check_data(experiments, data_paths(options.data));
  Store store = open_database_to_write(options.database);  // before training, so that results can be stored
  MatrixOptions matrix = options.matrix;
  matrix.paths = data_paths(options.data);
  const std::filesystem::path state = options.database + "-cells";
  matrix.state = utf8_path(std::filesystem::absolute(state), state);  // its files are named in stored reasons
  matrix.command = command_line();
  matrix.stop = &interrupted;
  for (const Plugin& plugin : plugins()) matrix.program.insert(matrix.program.end(), {"--plugin", plugin.file});

  std::vector<Outcome> outcomes;
  {
    Display progress(experiments.size(), /*prints_profiles=*/!options.json);
    auto cells = prepare(experiments, matrix.paths, store, progress);
    if (matrix.jobs == 0) expect_seconds(cells, store, matrix);
    watch_signals(/*second_ends=*/true);  // not earlier: until here an interrupt simply ends the program
    outcomes = run_cells(cells, store, capture_environment(), matrix, progress);
  }
  print_results(outcomes, store, options);
  if (interrupted) {
    spdlog::warn("interrupted; the same command resumes where this one stopped");
    return kInterrupted;
  }
  return sum_up(outcomes);
}

}  // namespace

void add_run(const Command& program, int& exit_code) {
  Command command = program.add_subcommand("run", "Train and test a matrix of tasks, models and seeds");
  const auto options = std::make_shared<RunOptions>();
  declare(command, *options);
  add_plugin_option(command);
  command.callback([command, options, &exit_code] {
    complete(command, *options);
    exit_code = run_matrix(*options);
  });
}

}  // namespace lra
