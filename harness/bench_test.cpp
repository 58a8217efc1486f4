#include "harness/bench.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "harness/measure.h"
#include "harness/profile.h"

namespace lra {
namespace {

BenchTask small_task(const std::string& model) {
  BenchTask task;
  task.model = model;
  task.encoder = {{"width", 16}, {"ff", 32}, {"heads", 2}, {"layers", 1}};
  task.length = 512;
  task.batch = 2;
  task.threads = 2;
  task.seconds = 0;
  return task;
}

/// The metrics of a cell after all its turns.
std::map<std::string, double> measured(const BenchTask& task) {
  BenchMeter meter(task);
  for (long turn = 0; meter.fits() && turn < task.turns; ++turn) meter.turn();
  return meter.metrics();
}

TEST(Bench, FiguresBelongTogether) {
  for (const char* model : {"local", "identity"})
    for (const bool training : {true, false})
      for (const bool alone : {true, false}) {
        SCOPED_TRACE(model);
        BenchTask task = small_task(model);
        task.training = training, task.alone = alone;
        const auto values = measured(task);
        for (const auto& [metric, value] : values) {
          // A later cell of this process may find all the memory that it needs in the heap.
          const bool may_be_zero = (metric == "gradient_bytes" && !training) || metric == "rss_bytes";
          EXPECT_GE(value, may_be_zero ? 0 : 1e-9) << metric;
        }
        EXPECT_LE(values.at("p10_ms"), values.at("median_ms"));
        EXPECT_LE(values.at("median_ms"), values.at("p90_ms"));
        EXPECT_NEAR(values.at("steps_per_second") * values.at("median_ms"), 1000, 1e-6);
        EXPECT_NEAR(values.at("examples_per_second"), 2 * values.at("steps_per_second"), 1e-6);
        // Both examples are in memory at once, as two micro-batches or as one.
        EXPECT_EQ(values.at("activation_bytes"), 2 * values.at("bytes_per_example"));
        // At least the parameters; in training, Adam reads and writes seven floats per parameter.
        EXPECT_GT(values.at("bytes_moved"), (training ? 28 : 4) * values.at("parameters"));
      }
}

/// Stops a process for `seconds` in the middle of the only step that it measures and returns whether
/// `keeps_out(meter, seconds)` holds there.
template <typename KeepsOut>
bool survives_a_pause(KeepsOut keeps_out) {
  using std::chrono::milliseconds;
  const pid_t child = fork();
  if (child == 0) {
    BenchTask task = small_task("transformer materialized=true");
    task.length = 2048, task.threads = 1, task.turns = 1;
    const auto pause = milliseconds(1500) + 2 * milliseconds(long(measured(task).at("median_ms")));
    BenchMeter meter(task);
    if (fork() == 0) {
      std::this_thread::sleep_for(milliseconds(20));
      kill(getppid(), SIGSTOP);
      std::this_thread::sleep_for(pause);
      kill(getppid(), SIGCONT);
      _exit(0);
    }
    _exit(keeps_out(meter, 1e-3 * double(pause.count())) ? 0 : 1);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

TEST(Bench, AStepInWhichTheProcessStoodStillIsTakenAgain) {
  EXPECT_TRUE(survives_a_pause([](BenchMeter& meter, double pause) {
    meter.turn();
    return meter.metrics().at("median_ms").get<double>() < 1e3 * pause;
  }));
}

TEST(Bench, AStepInWhichTheProcessStoodStillIsNotInTheProfile) {
  EXPECT_TRUE(survives_a_pause([](BenchMeter& meter, double pause) {
    const StepProfile profile = decode_profile(meter.profile());
    double longest = 0;
    for (const ProfileRow& row : profile.rows) longest = std::max({longest, row.forward.seconds, row.backward.seconds});
    return profile.steps == 1 && profile.seconds < pause && longest > 0 && longest < pause;
  }));
}

// The estimate extrapolates from counts at a quarter and at half of the length. Linformer's parameters grow with the
// length, and the materialized transformer stores a matrix that grows with its square. Shorter examples share a
// micro-batch and need less memory than each alone.
TEST(Bench, EstimatesMemoryWithoutRunning) {
  for (const char* model : {"linear", "linformer", "transformer", "transformer materialized=true"}) {
    BenchTask task = small_task(model);
    task.length = 1024;
    const auto values = measured(task);
    EXPECT_NEAR(values.at("estimated_bytes") / values.at("peak_bytes"), 1, 0.25) << model;
  }
}

// One count alone has no growth; taken for that of exact attention it refused a step of 57 MB as one of 18 GB.
TEST(Bench, EstimatesTheSameUnderALowLimit) {
  BenchTask task = small_task("transformer");
  task.length = 4096, task.batch = 4;
  const double whole = double(estimated_bytes(task, std::int64_t{8} << 30, task.length));
  EXPECT_NEAR(double(estimated_bytes(task, 30'000'000, task.length)) / whole, 1, 0.5);
  EXPECT_NEAR(double(estimated_bytes(task, std::int64_t{8} << 30, 256)) / whole, 1, 0.5) << "as a forecast counts";
}

TEST(Bench, RefusesWhatDoesNotFit) {
  for (const char* model : {"transformer materialized=true", "linear"}) {
    BenchTask task = small_task(model);
    task.length = 1 << 20;  // the N×N matrix alone takes 8 TiB
    task.max_memory = 1;
    const auto values = measured(task);
    EXPECT_EQ(values.size(), 1u) << model;
    EXPECT_GT(values.at("estimated_bytes"), 1e8) << model;
  }
  BenchTask task = small_task("transformer materialized=true");
  task.length = 1 << 20;
  EXPECT_GT(double(estimated_bytes(task, 64 << 20, task.length)), 1e12);
}

TEST(Bench, RefusesAtOnceWhatIsTooLargeByFar) {
  constexpr std::int64_t kAvailable = 256 << 20;  // little, because counting stops beyond it and sanitizers are slow
  BenchTask task = small_task("linear");
  task.length = 1L << 24;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_GT(double(estimated_bytes(task, kAvailable, task.length)), 1e10);
  task.length = 1L << 31;  // more positions than a model may have parameters
  EXPECT_THROW(estimated_bytes(task, kAvailable, task.length), Error);
  task.length = 64, task.batch = 1L << 60;  // more tokens than can be addressed
  EXPECT_THROW(BenchMeter{task}, std::bad_alloc);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

// At eight times the length, the linear model's step takes about eight times as long, exact attention's longer.
TEST(Bench, ForecastsGrowWithTheLength) {
  for (const char* model : {"linear", "transformer materialized=true"}) {
    BenchTask task = small_task(model);
    const auto all = forecast(task, {512, 4096});
    ASSERT_EQ(all.size(), 2u);
    EXPECT_GT(all[0].seconds, 0) << model;
    EXPECT_GT(all[1].seconds, all[0].seconds) << model;
    EXPECT_GT(double(all[1].bytes), (model == std::string("linear") ? 4.0 : 20.0) * double(all[0].bytes)) << model;
  }
  BenchTask slow = small_task("linear");
  slow.seconds = 3600;
  EXPECT_GE(forecast(slow, {64}).at(0).seconds, 3600);
}

/// Options with a shell script in place of the cells, which behaves as the model's name says.
BenchOptions played() {
  BenchOptions options;
  options.program = {"/bin/sh", "-c", R"(
      answer() { echo "{\"bench\":$1}" >&3; }
      turn() { head -c 1 <&4 >/dev/null; }
      case $(cat) in
        *'"forecast"'*) answer '{"forecast":[[1,1000]]}';;
        *'"machine"'*) answer '{"gflops":10,"bandwidth":1e9}';;
        *'"model":"crashes"'*) kill -SEGV $$;;
        *'"model":"is killed later"'*) answer '{"fits":true}'; turn; kill -KILL $$;;
        *'"model":"says why"'*) echo '{"error":"the loss is sad"}' >&3; exit 1;;
        *'"model":"talks nonsense"'*) echo hello >&3; exec sleep 60;;
        *'"model":"leaves"'*) exit 0;;
        *'"model":"is large"'*) answer '{"fits":false}'; turn; answer '{"metrics":{"estimated_bytes":5e9}}';;
        *'"model":"hangs"'*) exec sleep 60;;
        *) answer '{"fits":true}'
          turn; answer '{"turn":1}'
          turn; answer '{"turn":2}'
          turn; answer '{"metrics":{"median_ms":2,"gflops":5,"bytes_moved":1e6}}';;
      esac)"};
  return options;
}

struct Notes : BenchObserver {
  void expected(const std::vector<BenchCell>& cells) override { forecasts = long(cells.size()); }
  void ended(const BenchCell& cell) override { order.push_back(cell.model); }
  long forecasts = 0;
  std::vector<std::string> order;
};

BenchRequest request_for(const std::vector<std::string>& models) {
  BenchRequest request;
  request.models = models;
  request.lengths = {64};
  return request;
}

TEST(BenchMatrix, OneCellsEndIsNotTheOthers) {
  const std::map<std::string, std::string> reasons{{"crashes", "signal 11"},
                                                   {"is killed later", "signal 9 (Killed), perhaps for lack of memory"},
                                                   {"says why", "the loss is sad"},
                                                   {"talks nonsense", "'hello'"},
                                                   {"leaves", "without a result"}};
  std::vector<std::string> models{"first", "is large"};
  for (const auto& [model, reason] : reasons) models.push_back(model);
  models.emplace_back("last");
  Notes notes;
  const auto cells = bench(request_for(models), played(), notes);
  EXPECT_EQ(notes.forecasts, long(models.size()));
  EXPECT_EQ(notes.order.size(), models.size());
  ASSERT_EQ(cells.size(), models.size());
  for (const BenchCell& cell : cells) {
    SCOPED_TRACE(cell.model);
    if (const auto reason = reasons.find(cell.model); reason != reasons.end()) {
      EXPECT_EQ(cell.status, BenchCell::Status::failed);
      EXPECT_NE(cell.reason.find(reason->second), std::string::npos) << cell.reason;
      EXPECT_TRUE(cell.figures.empty());
    } else if (cell.model == "is large") {
      EXPECT_EQ(cell.status, BenchCell::Status::refused);
      EXPECT_EQ(cell.figures.size(), 1u);
    } else {
      EXPECT_EQ(cell.status, BenchCell::Status::done) << cell.reason;
      std::map<std::string, double> values;
      for (const Measurement& figure : cell.figures) values[figure.metric] = figure.value;
      EXPECT_EQ(values.at("peak_share"), 0.5);
      EXPECT_EQ(values.at("bandwidth_share"), 0.5);  // 1 MB in 2 ms at 1 GB/s
    }
  }
}

TEST(BenchMatrix, KeepsWhatIsDoneWhenTimeIsOver) {
  BenchRequest request = request_for({"first"});
  request.lengths = {64, 128};
  BenchOptions options = played();
  options.program[2].insert(
      0, R"(one=$(cat); case $one in *'"length":128'*) exec sleep 60;; esac; set -- "$one"; cat() { echo "$one"; })"
         "\n");
  options.max_seconds = 1;
  Notes notes;
  const auto start = std::chrono::steady_clock::now();
  const auto cells = bench(request, options, notes);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  EXPECT_EQ(cells.at(0).status, BenchCell::Status::done) << cells.at(0).reason;
  EXPECT_EQ(cells.at(1).status, BenchCell::Status::open);
}

TEST(BenchMatrix, EndsAtOnceWhenItIsAskedTo) {
  std::atomic<bool> stop{false};
  struct Stopper : BenchObserver {
    explicit Stopper(std::atomic<bool>& flag) : stop(flag) {}
    void ended(const BenchCell&) override { stop = true; }
    std::atomic<bool>& stop;
  } stopper(stop);
  BenchOptions options = played();
  options.stop = &stop;
  const auto start = std::chrono::steady_clock::now();
  const auto cells = bench(request_for({"crashes", "hangs", "first"}), options, stopper);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(cells.at(0).status, BenchCell::Status::failed);
  EXPECT_EQ(cells.at(1).status, BenchCell::Status::open);
  EXPECT_EQ(cells.at(2).status, BenchCell::Status::open);
}

TEST(BenchMatrix, RefusesAShapeThatNoModelCanHave) {
  BenchRequest request = request_for({"first"});
  request.task.encoder = {{"width", 10}, {"heads", 3}};
  Notes notes;
  EXPECT_THROW(bench(request, played(), notes), Error);
}

TEST(Machine, HasMemoryAndBandwidth) {
  EXPECT_GT(available_bytes(0), 0);
  EXPECT_EQ(available_bytes(1), 0) << "this process has more than that already";
  WorkerPool workers(2);
  EXPECT_GT(memory_bandwidth(workers, 0), 1e8);
  EXPECT_GT(memory_bandwidth(workers, 1), 1e8);
  EXPECT_GT(gemm_peak_gflops(workers), 0);
}

TEST(Quantile, IsTheNearestValue) {
  const std::vector<double> values{5, 1, 3, 2, 4};
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 0.5), 3);
  EXPECT_EQ(quantile(values, 0.9), 5);  // index 0.9 · 4 = 3.6 is nearer to the fifth value than to the fourth
}

}  // namespace
}  // namespace lra
