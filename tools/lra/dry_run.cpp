#include "tools/lra/dry_run.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "harness/estimate.h"
#include "harness/limited_memory.h"
#include "harness/measure.h"
#include "harness/reach.h"
#include "harness/runner.h"
#include "results/store/store.h"
#include "results/tables/text_table.h"
#include "tasks/inventory.h"

namespace lra {
namespace {

constexpr double kSecondsOfTrial = 2;          // the time limit per group of cells that differ only in the seed
constexpr std::chrono::seconds kPatience{60};  // a trial that takes longer will not end while the user waits

/// Identifies experiments with equal cost: everything but the seed.
std::string kind_of(const Experiment& experiment) {
  Json form = canonical(experiment, "");
  form.erase("seed");
  return form.dump();
}

/// An experiment without the fields that depend on its data.
std::string without_data(Json canonical_experiment) {
  canonical_experiment.erase("data_fingerprint");
  return canonical_experiment.dump();
}

/// Opens no data, so a run counts as done whatever version of the data it used.
std::set<std::string> done_experiments(const std::string& database) {
  std::set<std::string> done;
  if (!std::filesystem::exists(database)) return done;
  for (const StoredRun& run : Store(database, Store::Access::read).runs())
    if (run.status == "done") done.insert(without_data(run.experiment));
  return done;
}

std::map<std::string, long> count_all(const std::vector<Experiment>& experiments) {
  std::map<std::string, long> counts;
  for (const Experiment& experiment : experiments) {
    const auto [place, is_new] = counts.try_emplace(kind_of(experiment), 0);
    if (is_new) place->second = count_parameters(experiment);
  }
  return counts;
}

/// Finds missing or unreadable official files, once per task.
class Missing {
 public:
  explicit Missing(DataPaths paths) : paths_(std::move(paths)) {}

  /// One sentence on what is missing; empty if nothing is.
  const std::string& of(const TaskPlan& plan) {
    const auto [place, is_new] = known_.try_emplace(plan.task + plan.data.dump());
    if (!is_new) return place->second;
    const DataStatus status = data_status(plan, paths_);
    if (status.state == "missing" || status.state == "broken") place->second = status.reason;
    return place->second;
  }

 private:
  DataPaths paths_;
  std::map<std::string, std::string> known_;
};

/// Ends the program with a sentence if the object lives longer than kPatience. One op of a model with extreme settings
/// can take minutes, and nothing but the end of the process stops it.
class Patience {
 public:
  explicit Patience(std::string sentence) : sentence_(std::move(sentence)) {
    try {
      watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
    } catch (const std::system_error&) {  // no more threads: the forecast, which needs one too, reports that
    }
  }

 private:
  void watch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (ended_.wait_for(lock, stop, kPatience, [&] { return stop.stop_requested(); })) return;
    spdlog::error(sentence_);
    _exit(int(Kind::failed));
  }

  std::string sentence_;
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::jthread watcher_;  // the last member: it ends first
};

/// What a trial of a cell finds: its costs, and the caveat that its result will have.
struct Forecast : Estimate {
  std::string caveat;
};

/// Return the forecast of a cell. Throws a sentence if the cell does not fit in memory.
Forecast tried(const Experiment& e, const RunOptions& options) {
  const CellOptions& cell = options.matrix.cell;
  const std::string name = fmt::format("{} on {}", e.model, e.plan.spec.variant);
  const auto refuse = [&](std::int64_t needed) {
    fail("{}: {}; try smaller settings", name, out_of_memory(cell.max_memory, needed));
  };
  const std::int64_t available = available_bytes(cell.max_memory), parameters = bytes_of_parameters(e, cell.threads);
  if (parameters > available) refuse(parameters);
  const Patience patience(fmt::format(
      "{}: its shortest steps take more than {} s; try smaller settings, or --no-estimate", name, kPatience.count()));
  std::optional<Forecast> forecast;
  try {
    const std::int64_t machine = limit_within_machine(), own = process_bytes("VmData");
    const LimitedMemory limited(cell.max_memory > 0 ? std::min(machine, own + cell.max_memory) : machine);
    forecast = Forecast{estimate(e, data_paths(options.data), cell.threads, kSecondsOfTrial), {}};
    if (forecast->peak_bytes <= available) forecast->caveat = reach_caveat(e, e.plan.spec.length);
  } catch (const std::bad_alloc&) {  // reported below, when there is memory again
  }
  if (!forecast || forecast->peak_bytes > available) refuse(forecast ? forecast->peak_bytes : 0);
  return *forecast;
}

std::string figure(const Json& value, std::string (*text)(double)) {
  return value.is_null() ? "" : text(value.get<double>());
}

std::string tera(double flops) { return fmt::format("{:.3g}", 1e-12 * flops); }
std::string bytes(double count) { return human_bytes(std::int64_t(count)); }

double sum_of(const Json& cells, const char* key) {
  double sum = 0;
  for (const Json& cell : cells)
    if (cell["status"] == "to run" && cell[key].is_number()) sum += cell[key].get<double>();
  return sum;
}

void print_missing(const Json& cells) {
  std::set<std::string> told;
  for (const Json& cell : cells)
    if (cell["status"] == "no data" && told.insert(cell["variant"]).second)
      fmt::print("{}{}: {}\n", told.size() == 1 ? "\n" : "", cell["variant"].get<std::string>(),
                 cell["missing"].get<std::string>());
}

/// Prints each distinct basis once, with the tasks it applies to.
void print_bases(const Json& cells) {
  std::map<std::string, std::set<std::string>> variants;
  for (const Json& cell : cells)
    if (cell["basis"].is_string()) variants[cell["basis"]].insert(cell["variant"].get<std::string>());
  for (const auto& [basis, names] : variants) fmt::print("{}: lengths from {}\n", fmt::join(names, ", "), basis);
}

/// Prints each cell's caveat, once for all its seeds.
void print_caveats(const Json& cells) {
  std::set<std::string> lines;
  for (const Json& cell : cells)
    if (cell["caveat"].is_string() && cell["caveat"] != "")
      lines.insert(fmt::format("{} on {}: {}\n", cell["model"].get<std::string>(), cell["variant"].get<std::string>(),
                               cell["caveat"].get<std::string>()));
  for (const std::string& line : lines) fmt::print("{}", line);
}

}  // namespace

void check_shapes(const std::vector<Experiment>& experiments) { (void)count_all(experiments); }

void check_data(const std::vector<Experiment>& experiments, const DataPaths& paths) {
  Missing missing(paths);
  std::set<std::string> tasks, lacking;
  for (const Experiment& experiment : experiments) {
    const TaskPlan& plan = experiment.plan;
    tasks.insert(plan.spec.variant);
    const std::string& reason = missing.of(plan);
    if (!reason.empty() && lacking.insert(plan.spec.variant).second) spdlog::error("{}: {}", plan.spec.variant, reason);
  }
  if (!lacking.empty())
    fail_data("the data of {} of {} tasks are missing or broken, so nothing is trained; get them, or leave {} out",
              lacking.size(), tasks.size(), fmt::join(lacking, ", "));
}

Json dry_run(const std::vector<Experiment>& experiments, const RunOptions& options) {
  const auto done = done_experiments(options.database);
  const auto parameters = count_all(experiments);
  std::map<std::string, Forecast> forecasts;
  Missing missing(data_paths(options.data));
  Json cells = Json::array();
  for (const Experiment& experiment : experiments) {
    const TaskPlan& plan = experiment.plan;
    const std::string& lack = missing.of(plan);
    const bool skip = !options.matrix.force && done.count(without_data(canonical(experiment, ""))) > 0;
    Json cell{{"task", plan.spec.name},
              {"variant", plan.spec.variant},
              {"model", experiment.model},
              {"seed", experiment.seed},
              {"parameters", parameters.at(kind_of(experiment))},
              {"steps", plan.recipe.steps},
              {"flops", nullptr},
              {"peak_bytes", nullptr},
              {"seconds", nullptr},
              {"basis", nullptr},
              {"caveat", nullptr},
              {"status", skip           ? "done"
                         : lack.empty() ? "to run"
                                        : "no data"},
              {"missing", skip || lack.empty() ? Json() : Json(lack)}};
    if (!skip && !options.no_estimate) {
      const auto [place, is_new] = forecasts.try_emplace(kind_of(experiment));
      Forecast& forecast = place->second;
      if (is_new) forecast = tried(experiment, options);
      cell.update({{"flops", forecast.flops},
                   {"peak_bytes", forecast.peak_bytes},
                   {"seconds", forecast.seconds},
                   {"basis", forecast.basis},
                   {"caveat", forecast.caveat}});
    }
    cells.push_back(std::move(cell));
  }
  return cells;
}

void print_dry_run(const Json& cells, const RunOptions& options) {
  fmt::print("{:<24} {:<16} {:>4} {:>12} {:>8} {:>9} {:>10} {:>14}  {}\n", "task", "model", "seed", "parameters",
             "steps", "TFLOP", "memory", "time", "status");
  long to_run = 0;
  for (const Json& cell : cells) {
    fmt::print("{:<24} {:<16} {:>4} {:>12} {:>8} {:>9} {:>10} {:>14}  {}\n", cell["variant"].get<std::string>(),
               cell["model"].get<std::string>(), cell["seed"].get<std::uint64_t>(), cell["parameters"].get<long>(),
               cell["steps"].get<long>(), figure(cell["flops"], tera), figure(cell["peak_bytes"], bytes),
               figure(cell["seconds"], human_seconds), cell["status"].get<std::string>());
    to_run += cell["status"] == "to run";
  }
  print_missing(cells);
  if (to_run == 0 || options.no_estimate) return;
  fmt::print("\n{} of {} cells to run: {} TFLOP, {} one after another on {} threads\n", to_run, cells.size(),
             tera(sum_of(cells, "flops")), human_seconds(sum_of(cells, "seconds")), options.matrix.cell.threads);
  print_bases(cells);
  print_caveats(cells);
}

bool lacks_data(const Json& cells) {
  return std::any_of(cells.begin(), cells.end(), [](const Json& cell) { return cell["status"] == "no data"; });
}

}  // namespace lra
