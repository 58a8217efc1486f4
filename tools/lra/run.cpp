#include <spdlog/spdlog.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "harness/build_info.h"
#include "harness/core/text.h"
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

/// The words this program was started with, for the record: a command to be run again.
std::string command_line() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(in, word, '\0');) words.push_back(word);
  return shell_command(words);
}

/// Progress on stderr, and on stdout the profile of each cell that has one.
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

/// Fills in how long the cells that are not done will take: enough to tell which are short. A task and model is tried
/// once for all seeds, and nothing where nothing could be side by side.
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
  const StoredRun run = store.find(outcome.run.id).value_or(outcome.run);  // not stored: it was not begun
  Json row = whole_row(run, store.baselines(run.variant, run.data_fingerprint));
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

/// Says how many cells are not done; the exit code.
int sum_up(const std::vector<Outcome>& outcomes) {
  const auto are = [&](const char* status) {
    return std::count_if(outcomes.begin(), outcomes.end(), [&](const Outcome& o) { return o.run.status == status; });
  };
  const auto failed = are("failed"), cut = are("interrupted");
  if (cut)
    spdlog::warn("{} of {} cells were interrupted; the same command goes on where they stopped", cut, outcomes.size());
  if (failed) spdlog::error("{} of {} cells failed; the same command tries them again", failed, outcomes.size());
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
  Store store = open_database_to_write(options.database);  // before anything is trained: results must have a place
  MatrixOptions matrix = options.matrix;
  matrix.paths = data_paths(options.data);
  const std::filesystem::path state = options.database + "-cells";
  matrix.state = utf8_path(std::filesystem::absolute(state), state);  // stored reasons name its files
  matrix.command = command_line();
  matrix.stop = &interrupted;
  for (const Plugin& plugin : plugins()) matrix.program.insert(matrix.program.end(), {"--plugin", plugin.file});

  std::vector<Outcome> outcomes;
  {
    Display progress(experiments.size(), /*prints_profiles=*/!options.json);
    auto cells = prepare(experiments, matrix.paths, store, progress);
    if (matrix.jobs == 0) expect_seconds(cells, store, matrix);
    watch_signals(/*second_ends=*/true);  // not before: until here an interrupt may end the program as it always does
    outcomes = run_cells(cells, store, capture_environment(), matrix, progress);
  }
  print_results(outcomes, store, options);
  if (interrupted) {
    spdlog::warn("interrupted; the same command goes on where this one stopped");
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
