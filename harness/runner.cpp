#include "harness/runner.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "core/clock.h"
#include "core/file.h"
#include "harness/checkpoint.h"
#include "harness/child.h"
#include "harness/claim.h"
#include "harness/experiment.h"
#include "harness/measure.h"
#include "harness/protocol.h"
#include "harness/revision.h"
#include "harness/worker_pool.h"
#include "tasks/baselines.h"

namespace lra {
namespace {

/// Time that a cell has to end after it was told to: one that keeps checkpoints loses nothing.
constexpr std::chrono::milliseconds kGrace{1500};

/// A cell whose process is alive.
struct Running {
  std::size_t index;
  std::unique_ptr<Child> child;
  std::string started;
  Clock::time_point start;
  std::optional<Claim> claim;
  std::optional<CellMessage> last;  // its final message, once received
  std::string invalid_output;       // why its output is invalid
  bool over_time = false;           // it was told to end because it exceeded the time limit
  long threads = 1;
  bool shared = false;  // other cells ran at the same time
};

class Matrix {
 public:
  Matrix(const std::vector<Cell>& cells, Store& store, const Environment& environment, const MatrixOptions& options,
         MatrixObserver& observer)
      : cells_(cells), store_(store), environment_(environment), options_(options), observer_(observer) {
    for (const Cell& cell : cells) {
      todo_.push_back(outcomes_.size());
      outcomes_.push_back({cell, StoredRun{}, false});
    }
    if (options.jobs == 0)
      std::stable_partition(todo_.begin(), todo_.end(), [this](std::size_t index) { return is_short(index); });
    if (options.state.empty()) return;
    std::error_code none;  // ignored: each cell reports an unusable folder when it claims its file there
    std::filesystem::create_directories(options.state, none);
    remove_abandoned_drafts(options.state);
  }

  std::vector<Outcome> run() {
    while (!todo_.empty() || !elsewhere_.empty() || !running_.empty()) {
      if (stopping()) stop_cells();
      if (todo_.empty()) std::swap(todo_, elsewhere_);  // try the cells of other processes again
      for (std::size_t looks = todo_.size(); looks > 0 && has_room(); --looks) take_next();
      listen();
    }
    return std::move(outcomes_);
  }

 private:
  bool stopping() const { return options_.stop && options_.stop->load(); }

  bool is_short(std::size_t index) const {
    const double seconds = cells_[index].expected_seconds;
    return seconds > 0 && seconds < kShortCell;
  }

  /// Can the next cell start beside those that run?
  bool has_room() const {
    if (stopping() || running_.empty()) return true;
    if (options_.jobs > 0) return long(running_.size()) < options_.jobs;
    return is_short(todo_.front()) && is_short(running_.front().index) && long(running_.size()) < options_.cell.threads;
  }

  /// Threads of a cell that starts now.
  long threads_of(std::size_t index) const { return std::min(kMostThreads, share_of(index)); }

  long share_of(std::size_t index) const {
    if (options_.jobs > 0) return std::max(1L, options_.cell.threads / options_.jobs);
    if (!is_short(index)) return options_.cell.threads;
    const long waiting = std::count_if(todo_.begin(), todo_.end(), [this](std::size_t i) { return is_short(i); });
    return std::max(1L,
                    options_.cell.threads / std::clamp(long(running_.size()) + 1 + waiting, 1L, options_.cell.threads));
  }

  /// Does a cell that starts now share its CPUs? It does if others run beside it or may begin to, or if there are fewer
  /// CPUs than threads.
  bool will_share(std::size_t index) const {
    if (options_.more_than_machine) return true;
    if (options_.jobs > 0) return options_.jobs > 1;
    return !running_.empty() || (is_short(index) && threads_of(index) < options_.cell.threads);
  }

  void take_next() {
    const std::size_t index = todo_.front();
    todo_.pop_front();
    Outcome& outcome = outcomes_[index];
    if (skip(outcome)) return;
    if (stopping()) {
      outcome.run = blank_run(outcome.cell);
      outcome.run.status = "interrupted";
      outcome.run.reason = "the matrix was interrupted before this cell began";
      return;
    }
    std::optional<Claim> claim;
    try {
      if (!options_.state.empty()) {
        claim = Claim::take(state_file(index, "claim"));
        if (!claim) return leave_to_others(index);
      }
      if (!claim || !skip(outcome)) return start(index, claim);
    } catch (const Error& error) {  // an error that keeps one cell from starting must not end the others
      fail_to_start(outcome, error.what());
    }
    if (claim) claim->end();  // another process has finished the cell, or it failed to start
  }

  void fail_to_start(Outcome& outcome, const std::string& reason) {
    outcome.run = blank_run(outcome.cell);
    outcome.run.status = "failed";
    outcome.run.reason = reason;
    outcome.run.started = utc_now();
    outcome.run.id = store_.add(outcome.run, environment_, options_.force);
    observer_.ended(outcome);
  }

  /// If the store has the cell's run, reports it as the outcome and returns true.
  bool skip(Outcome& outcome) {
    auto found = options_.force ? std::nullopt : store_.find(outcome.cell.key);
    if (!found) return false;
    outcome.run = std::move(*found);
    outcome.skipped = true;
    observer_.ended(outcome);
    return true;
  }

  void leave_to_others(std::size_t index) {
    const Experiment& experiment = cells_[index].experiment;
    if (told_.insert(index).second)
      observer_.noticed(fmt::format("{} {} seed {} is left to {}", experiment.plan.spec.variant, experiment.model,
                                    experiment.seed, Claim::holder(state_file(index, "claim"))));
    elsewhere_.push_back(index);
  }

  /// Kinds: claim, the process that works on the cell; safetensors, its checkpoint; log, its stderr.
  std::filesystem::path state_file(std::size_t index, const std::string& kind) const {
    return options_.state / fmt::format("{}.{}", cells_[index].key, kind);
  }

  /// Starts the cell's process, which then holds the claim.
  void start(std::size_t index, std::optional<Claim>& claim) {
    const Cell& cell = cells_[index];
    CellRequest request;
    request.experiment = cell.experiment;
    request.data_fingerprint = cell.data_fingerprint;
    request.paths = options_.paths;
    request.options = options_.cell;
    request.options.threads = threads_of(index);
    request.options.shared = will_share(index);
    request.parent = long(getpid());
    Inheritance inheritance;
    if (claim) {
      request.checkpoint = state_file(index, "safetensors");
      if (options_.force)
        remove_checkpoint(request.checkpoint);
      else
        set_aside_damaged(index, request.checkpoint);
      inheritance = {claim->descriptor(), state_file(index, "log")};
    }
    Running running;
    running.index = index;
    running.child = std::make_unique<Child>(options_.program, encode(request), inheritance);
    running.started = utc_now();
    running.start = Clock::now();
    running.claim = std::exchange(claim, std::nullopt);
    running.threads = request.options.threads;
    running.shared = options_.jobs > 1 || options_.more_than_machine;
    running_.push_back(std::move(running));
    if (running_.size() > 1)
      for (Running& one : running_) one.shared = true;
    observer_.started(cell);
  }

  void remove_checkpoint(const std::filesystem::path& file) const {
    std::error_code error;
    std::filesystem::remove(file, error);
    if (error) fail("cannot remove the checkpoint {}: {}", file.string(), error.message());
  }

  /// Renames a damaged checkpoint: the cell starts over, and the file is kept for inspection.
  void set_aside_damaged(std::size_t index, const std::filesystem::path& file) {
    const std::string flaw = flaw_of_checkpoint(file);
    if (flaw.empty()) return;
    std::filesystem::path aside = state_file(index, "damaged");
    for (int number = 2; std::filesystem::exists(std::filesystem::symlink_status(aside)); ++number)
      aside = state_file(index, fmt::format("damaged-{}", number));
    std::error_code error;
    std::filesystem::rename(file, aside, error);
    if (error) fail("{}, and it cannot be set aside as {}: {}", flaw, aside.string(), error.message());
    observer_.noticed(fmt::format("{}; it is set aside as {}, and the cell starts over", flaw, aside.string()));
  }

  /// Waits briefly for messages of the cells and handles them.
  void listen() {
    if (running_.empty() && elsewhere_.empty()) return;
    std::vector<pollfd> waiting;
    for (const Running& running : running_) waiting.push_back({running.child->descriptor(), POLLIN, 0});
    poll(waiting.data(), waiting.size(), 200);
    for (Running& running : running_) {
      hear(running);
      watch_time(running);
    }
    std::erase_if(running_, [&](Running& running) {
      if (running.child->descriptor() >= 0) return false;
      finish(running);
      return true;
    });
  }

  void hear(Running& running) {
    for (const std::string& line : running.child->read_lines()) {
      if (!running.invalid_output.empty()) return;
      try {
        CellMessage message = decode_message(line);
        if (message.type == CellMessage::Type::progress)
          observer_.progressed(cells_[running.index], message.progress);
        else
          running.last = std::move(message);
      } catch (const Error& error) {  // one cell's invalid message must not end the others
        running.invalid_output = error.what();
        running.child->send_signal(SIGKILL);
      }
    }
  }

  /// Tells a cell that exceeds the time limit to end, and kills it when it does not.
  void watch_time(Running& running) const {
    const double over = options_.max_seconds > 0 ? seconds_since(running.start) - options_.max_seconds : -1;
    if (over < 0) return;
    if (!std::exchange(running.over_time, true)) running.child->send_signal(SIGTERM);
    if (over > std::chrono::duration<double>(kGrace).count()) running.child->send_signal(SIGKILL);
  }

  void finish(Running& running) {
    const std::string ending = running.child->wait();
    Outcome& outcome = outcomes_[running.index];
    StoredRun& run = outcome.run;
    const bool done = ending.empty() && running.invalid_output.empty() && running.last &&
                      running.last->type == CellMessage::Type::result;
    run = blank_run(outcome.cell);
    if (done) static_cast<TrainResult&>(run) = std::move(running.last->result);
    if (done) outcome.profile = std::move(running.last->profile);
    run.threads = running.threads;
    run.shared = run.shared || running.shared;
    run.started = running.started;
    run.seconds += seconds_since(running.start);  // added to those of earlier processes
    if (!done) explain(run, running, ending);
    run.id = store_.add(run, environment_, options_.force);
    if (running.claim) tidy(running, done);
    observer_.ended(outcome);
  }

  /// Removes files that the cell no longer needs. Called only after its run is stored: until then the checkpoint is the
  /// only copy.
  void tidy(Running& running, bool done) const {
    std::error_code none;
    if (done) std::filesystem::remove(state_file(running.index, "safetensors"), none);
    const std::filesystem::path log = state_file(running.index, "log");
    if (done || std::filesystem::file_size(log, none) == 0) std::filesystem::remove(log, none);
    running.claim->end();
  }

  /// Sets the status and the reason of a cell without a result.
  void explain(StoredRun& run, const Running& running, const std::string& ending) const {
    const bool told = running.last && running.last->type == CellMessage::Type::interrupted;
    run.status = "failed";
    if (!running.invalid_output.empty()) {
      run.reason = running.invalid_output;
    } else if (running.over_time) {
      run.reason = fmt::format("it took longer than {} s; with a larger --max-time it resumes", options_.max_seconds);
    } else if (stopping() || told) {
      run.status = "interrupted";
      run.reason = stopping() ? "interrupted by a signal" : why_told(*running.child);
    } else if (running.last && running.last->type == CellMessage::Type::error) {
      run.reason = running.last->sentence;
    } else if (running.last && running.last->type == CellMessage::Type::out_of_memory) {
      run.reason = out_of_memory(running.last->needed_bytes);
    } else if (is_crash(ending) && refusing_limit(options_.cell.max_memory)) {
      run.reason = out_of_memory(0) + "; so it seems, because the process crashed at this limit";
      run.reason += see_log(running);
    } else if (ending.empty()) {
      run.reason = "the cell's process ended without a result";
    } else {
      run.reason = fmt::format("the cell's process ended with {}", ending);
      if (ending.starts_with("signal 9 ")) run.reason += ", " + why_killed();
      run.reason += see_log(running);
    }
  }

  /// Says why something other than this program told a cell to end.
  static std::string why_told(const Child& child) {
    constexpr double kNearly = 0.9;  // the system enforces the limit more coarsely
    const auto limit = cpu_limit();
    if (!limit || child.cpu_seconds() < kNearly * *limit) return "interrupted by a signal";
    return fmt::format("interrupted by the system after {} s on a CPU, which is all that it may have (ulimit -t)",
                       *limit);
  }

  /// A reference to the cell's log; empty if the log is empty, because it is then removed.
  std::string see_log(const Running& running) const {
    const std::filesystem::path log = state_file(running.index, "log");
    std::error_code missing;
    const bool stays = running.claim && std::filesystem::file_size(log, missing) > 0 && !missing;
    return stays ? fmt::format("; see {}", log.string()) : "";
  }

  /// Signals by which libraries end the process when memory is refused.
  static bool is_crash(const std::string& ending) {
    return ending.starts_with("signal 6 ") || ending.starts_with("signal 7 ") || ending.starts_with("signal 11 ");
  }

  /// The reason of a cell that ran out of memory; `needed` is about what it needs, 0: not known.
  std::string out_of_memory(std::int64_t needed) const {
    const auto limit = refusing_limit(options_.cell.max_memory);
    return lra::out_of_memory(options_.cell.max_memory, needed) + "; try a smaller token_budget" +
           (limit ? fmt::format(", fewer --threads or a larger {}", limit->name) : " or fewer --threads");
  }

  /// A run with only the values that are known before it starts.
  StoredRun blank_run(const Cell& cell) const {
    const Experiment& experiment = cell.experiment;
    StoredRun run;
    run.key = cell.key;
    run.task = experiment.plan.spec.name;
    run.variant = experiment.plan.spec.variant;
    run.preset = experiment.plan.preset;
    run.model = experiment.model;
    run.model_revision = model_revision(experiment.model);
    run.seed = experiment.seed;
    run.overrides = cell.overrides;
    run.sweep = experiment.sweep;
    run.experiment = cell.canonical;
    run.data_fingerprint = cell.data_fingerprint;
    run.command = options_.command;
    run.comparable = cell.comparable;
    run.data_folder = data_folder(experiment.plan, options_.paths).string();
    run.threads = options_.cell.threads;
    return run;
  }

  void stop_cells() {
    if (!stopped_) {
      stopped_ = Clock::now();
      for (const Running& running : running_) running.child->send_signal(SIGTERM);
    } else if (Clock::now() - *stopped_ > kGrace) {
      for (const Running& running : running_) running.child->send_signal(SIGKILL);
    }
  }

  const std::vector<Cell>& cells_;
  Store& store_;
  const Environment& environment_;
  const MatrixOptions& options_;
  MatrixObserver& observer_;
  std::deque<std::size_t> todo_, elsewhere_;  // cells not started, and cells that another process has claimed
  std::set<std::size_t> told_;                // of the latter, those that were announced
  std::vector<Running> running_;
  std::vector<Outcome> outcomes_;
  std::optional<Clock::time_point> stopped_;
};

void store_baselines(const Dataset& data, const TaskSpec& spec, Store& store) {
  if (!store.baselines(spec.variant, data.fingerprint()).empty()) return;
  std::vector<Baseline> all;
  for (const auto& score : score_baselines(data, spec)) all.push_back({score.name, score.correct, score.examples});
  store.add_baselines(spec.variant, data.fingerprint(), all);
}

}  // namespace

std::vector<Cell> prepare(const std::vector<Experiment>& experiments, const DataPaths& paths, Store& store,
                          MatrixObserver& observer) {
  std::map<std::string, std::string> fingerprints;  // task and data settings → fingerprint
  std::vector<Cell> cells;
  DataPaths telling = paths;
  telling.notice = [&observer](const std::string& sentence) { observer.noticed(sentence); };
  for (const Experiment& experiment : experiments) {
    const TaskSpec& spec = experiment.plan.spec;
    std::string& fingerprint = fingerprints[experiment.plan.task + experiment.plan.data.dump()];
    if (fingerprint.empty()) {
      const auto data = open_data(experiment.plan, telling);
      fingerprint = data->fingerprint();
      store_baselines(*data, spec, store);
      store.add_cautions(spec.variant, fingerprint, data->findings().cautions);
    }
    Json form = canonical(experiment, fingerprint);
    const std::string key = key_of(form);
    cells.push_back({experiment, fingerprint, std::move(form), key, changes(experiment), is_comparable(experiment)});
  }
  return cells;
}

std::vector<Outcome> run_cells(const std::vector<Cell>& cells, Store& store, const Environment& environment,
                               const MatrixOptions& options, MatrixObserver& observer) {
  return Matrix(cells, store, environment, options, observer).run();
}

}  // namespace lra
