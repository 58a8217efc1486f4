#include "harness/bench.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "core/clock.h"
#include "core/error.h"
#include "harness/child.h"
#include "harness/measure.h"
#include "harness/protocol.h"
#include "models/layers/classifier.h"

namespace lra {
namespace {

constexpr int kLookMilliseconds = 100;     // interval at which a wait checks whether to stop
constexpr double kSecondsOfForecast = 60;  // limit for the forecast of one model; a slower model has none
constexpr double kSecondsOfMachine = 1;    // approximate time of one measurement of the machine

/// Thrown when the time is over or the caller asked to stop.
struct Stopped {};

/// Throws Stopped when the bench must end; check() is called several times per second.
class Watch {
 public:
  Watch(const BenchOptions& options, BenchObserver& observer) : options_(options), observer_(observer) {}
  void check() const {
    observer_.waited();
    if (options_.stop && *options_.stop) throw Stopped{};
    if (options_.max_seconds > 0 && seconds_since(start_) >= options_.max_seconds) throw Stopped{};
  }

 private:
  const BenchOptions& options_;
  BenchObserver& observer_;
  Clock::time_point start_ = Clock::now();
};

/// A cell's process, which answers a request and continues when told to. The destructor kills it.
class Worker {
 public:
  Worker(const std::vector<std::string>& program, const Json& request) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      fail("cannot make a socket for a cell: {}", std::strerror(errno));
    ours_ = ends[0];
    CellRequest cell;
    cell.bench = request;
    cell.parent = long(getpid());
    try {
      child_ = std::make_unique<Child>(program, encode(cell), Inheritance{ends[1], {}});
    } catch (...) {
      close(ends[0]), close(ends[1]);
      throw;
    }
    close(ends[1]);
  }
  ~Worker() { close(ours_); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Tells the process to continue. If it has ended, the next call of answer() notices.
  void go_on() const { (void)send(ours_, "", 1, MSG_NOSIGNAL); }

  /// Returns the next answer. Throws the process's own error sentence, or one that says how the process ended or that
  /// it did not answer in time.
  Json answer(const Watch& watch, double most_seconds = std::numeric_limits<double>::infinity()) {
    for (const auto start = Clock::now(); lines_.empty();) {
      watch.check();
      if (seconds_since(start) > most_seconds) fail("its process takes more than {} s to answer", most_seconds);
      if (child_->descriptor() < 0) fail_with(child_->wait());
      pollfd waiting{child_->descriptor(), POLLIN, 0};
      poll(&waiting, 1, kLookMilliseconds);
      for (std::string& line : child_->read_lines()) lines_.push_back(std::move(line));
    }
    const CellMessage message = decode_message(lines_.front());
    lines_.pop_front();
    if (message.type == CellMessage::Type::error) fail("{}", message.sentence);
    return message.bench;
  }

 private:
  [[noreturn]] static void fail_with(const std::string& ending) {
    if (ending.empty()) fail("its process ended without a result");
    fail("its process ended with {}{}", ending, ending.starts_with("signal 9 ") ? ", " + why_killed() : "");
  }

  std::unique_ptr<Child> child_;
  int ours_ = -1;
  std::deque<std::string> lines_;
};

/// Peak rates of the machine, one value per measurement.
struct Machine {
  std::vector<double> gflops, bandwidth;
};

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

class BenchMatrix {
 public:
  BenchMatrix(const BenchRequest& request, const BenchOptions& options, BenchObserver& observer)
      : request_(request), options_(options), observer_(observer), watch_(options, observer) {
    for (const long length : request.lengths)
      for (const std::string& model : request.models) {
        BenchCell& cell = cells_.emplace_back();
        cell.model = model, cell.length = length;
      }
  }

  std::vector<BenchCell> run() {
    try {
      expect();
      for (std::size_t first = 0; first < cells_.size(); first += request_.models.size()) measure_length(first);
    } catch (const Stopped&) {  // unfinished cells stay open
    }
    return std::move(cells_);
  }

 private:
  struct Running {
    BenchCell* cell;
    std::unique_ptr<Worker> worker;
  };

  BenchTask task_of(const std::string& model) const {
    BenchTask task = request_.task;
    task.model = model;
    task.alone = request_.models.size() == 1;
    return task;
  }

  /// Forecasts all cells. If a model's forecast fails, its cells have none, and measuring them reports the error.
  void expect() {
    const std::size_t models = request_.models.size();
    for (std::size_t m = 0; m < models; ++m) {
      try {
        Worker worker(options_.program, forecast_request(task_of(request_.models[m]), request_.lengths));
        const Json answer = worker.answer(watch_, kSecondsOfForecast);
        for (std::size_t i = 0; i < request_.lengths.size(); ++i) {
          const Json& one = answer.at("forecast").at(i);
          const double machine = 2 * kSecondsOfMachine / double(models);  // measured twice per length
          cells_[i * models + m].forecast = {one.at(0).get<double>() + machine, one.at(1).get<std::int64_t>()};
        }
      } catch (const std::exception&) {
      }
    }
    observer_.expected(cells_);
  }

  /// Measures all models at one length; `first` is the index of their first cell.
  void measure_length(std::size_t first) {
    std::vector<Running> running;
    Machine machine;
    for (std::size_t i = first; i < first + request_.models.size(); ++i)
      attempt(cells_[i], [&] {
        if (auto worker = start(cells_[i])) running.push_back({&cells_[i], std::move(worker)});
      });
    for (long turn = 1; turn <= request_.task.turns && !running.empty(); ++turn) {
      if (turn == 1 || turn == request_.task.turns) look_at(machine, *running.front().cell);
      std::erase_if(running, [&](Running& one) { return !take_turn(one, turn, machine); });
    }
  }

  /// Runs `work` for a cell. Returns false if it failed: one cell's failure must not end the others.
  bool attempt(BenchCell& cell, auto&& work) {
    try {
      work();
      return true;
    } catch (const std::exception& error) {
      cell.status = BenchCell::Status::failed;
      cell.reason = error.what();
      observer_.ended(cell);
      return false;
    }
  }

  /// Measures the machine. If that fails, the cells have no figures relative to its peak rates.
  void look_at(Machine& machine, const BenchCell& next) {
    observer_.progressed(next, "measuring the machine", 0);
    try {
      Worker worker(options_.program, machine_request(request_.task.threads, request_.task.max_memory));
      const Json answer = worker.answer(watch_);
      machine.gflops.push_back(answer.at("gflops").get<double>());
      machine.bandwidth.push_back(answer.at("bandwidth").get<double>());
    } catch (const std::exception&) {
    }
  }

  /// Starts a cell and measures its memory. Returns null when the cell does not fit.
  std::unique_ptr<Worker> start(BenchCell& cell) {
    observer_.progressed(cell, "measuring memory", 0);
    BenchTask task = task_of(cell.model);
    task.length = cell.length;
    auto worker = std::make_unique<Worker>(options_.program, measure_request(task));
    if (worker->answer(watch_).at("fits").get<bool>()) return worker;
    worker->go_on();
    note(cell, worker->answer(watch_).at("metrics"));
    cell.status = BenchCell::Status::refused;
    cell.reason = fmt::format("it does not fit: a step needs about {:.0f} MB", 1e-6 * cell.figures.front().value);
    observer_.ended(cell);
    return nullptr;
  }

  /// Runs one turn of a cell. Returns false when the cell has ended.
  bool take_turn(Running& one, long turn, const Machine& machine) {
    bool more = true;
    const bool went = attempt(*one.cell, [&] {
      const double turns = double(request_.task.turns);
      observer_.progressed(*one.cell, fmt::format("turn {} of {}", turn, turns), double(turn) / (turns + 1));
      one.worker->go_on();
      Json answer = one.worker->answer(watch_);
      if (turn < request_.task.turns) return;
      more = false;
      compare_with(machine, answer.at("metrics"));
      note(*one.cell, answer.at("metrics"));
      if (answer.contains("profile")) one.cell->profile = decode_profile(answer.at("profile"));
      one.cell->status = BenchCell::Status::done;
      observer_.ended(*one.cell);
    });
    return went && more;
  }

  static void compare_with(const Machine& machine, Json& metrics) {
    if (machine.gflops.empty()) return;
    const double peak = mean(machine.gflops), bandwidth = mean(machine.bandwidth);
    const double moved = metrics.at("bytes_moved"), median_ms = metrics.at("median_ms");
    metrics["peak_gflops"] = peak;
    metrics["peak_share"] = metrics.at("gflops").get<double>() / peak;
    metrics["bandwidth"] = bandwidth;
    metrics["bandwidth_share"] = moved / bandwidth / (1e-3 * median_ms);
  }

  void note(BenchCell& cell, const Json& metrics) const {
    const BenchTask& task = request_.task;
    Measurement m;
    m.model = cell.model, m.mode = task.training ? "train" : "infer";
    m.length = cell.length, m.batch = task.batch, m.threads = task.threads;
    m.settings = {{"encoder", stored_encoder(task.encoder)}, {"model", task.settings}};
    for (const auto& [metric, value] : metrics.items()) {
      m.metric = metric, m.value = value.get<double>();
      cell.figures.push_back(m);
    }
  }

  const BenchRequest& request_;
  const BenchOptions& options_;
  BenchObserver& observer_;
  Watch watch_;
  std::vector<BenchCell> cells_;
};

}  // namespace

std::vector<BenchCell> bench(const BenchRequest& request, const BenchOptions& options, BenchObserver& observer) {
  if (request.task.batch < 1) fail_usage("bench: batch is {}; it must be at least 1", request.task.batch);
  for (const long length : request.lengths)
    if (length < 1) fail_usage("bench: length is {}; it must be at least 1", length);
  // A shape that no model can have is an error of the request, not of a cell.
  (void)Classifier("identity", {}, parse<EncoderConfig>(request.task.encoder, "encoder"),
                   {"bench", "bench", 2, 1, 2, false, 0, 0}, 0);
  return BenchMatrix(request, options, observer).run();
}

}  // namespace lra
