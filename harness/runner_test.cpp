// Tests the runner with a shell script in place of the cells: every way in which a process can end.
#include "harness/runner.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <set>

#include "harness/experiment.h"
#include "harness/protocol.h"
#include "results/results_testing.h"

namespace lra {
namespace {

constexpr const char* kResult =
    R"(echo '{"result":{"parameters":7,"parameter_digest":"d","test_correct":3,)"
    R"("test_examples":4,"test_loss":0.5,"train_seconds":1,"data_seconds":0.005,"examples_per_second":2,"gflops":3,)"
    R"("gemm_peak_gflops":4,"peak_bytes":5,"activation_bytes":6,"rss_bytes":7,"seconds":0,"shared":false,)"
    R"("parts":[],"timing_flaw":"","reason":"",)"
    R"("history":[[1,"valid","accuracy",0.75]],"test_hits":"1101"}}' >&3;)";

/// A cell that the scripts below identify by its limit.
Cell cell_of(long limit) {
  const Experiment experiment = make_experiment("listops", "smoke", "identity", 0, limit, {});
  const Json form = canonical(experiment, "fingerprint");
  return {experiment, "fingerprint", form, key_of(form), Json::object(), true};
}

std::vector<Cell> cells_of(long count) {
  std::vector<Cell> cells;
  for (long limit = 0; limit < count; ++limit) cells.push_back(cell_of(limit));
  return cells;
}

/// Options whose cells read their request into $request and run `script`.
MatrixOptions played_by(const std::string& script) {
  MatrixOptions options;
  options.program = {"/bin/sh", "-c", "request=$(cat); " + script};
  return options;
}

std::vector<Outcome> run(const std::vector<Cell>& cells, Store& store, const MatrixOptions& options) {
  MatrixObserver nobody;
  return run_cells(cells, store, Environment{}, options, nobody);
}

TEST(Runner, StoresWhatACellReports) {
  Store store(":memory:");
  const auto cells = cells_of(1);
  const auto outcomes = run(cells, store, played_by(kResult));
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].run.status, "done");
  EXPECT_FALSE(outcomes[0].skipped);
  const auto stored = store.find(cells[0].key);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->variant, "listops@smoke");
  EXPECT_EQ(stored->model, "identity");
  EXPECT_EQ(stored->preset, "smoke");
  EXPECT_EQ(stored->experiment, cells[0].canonical);
  EXPECT_EQ(stored->data_fingerprint, "fingerprint");
  EXPECT_EQ(stored->parameters, 7);
  EXPECT_EQ(stored->test_correct, 3);
  EXPECT_EQ(stored->test_correctness, (std::vector<std::uint8_t>{1, 1, 0, 1}));
  ASSERT_EQ(stored->history.size(), 1u);
  EXPECT_EQ(stored->history[0].value, 0.75);
}

TEST(Runner, OneCellsEndIsNotTheOthers) {
  Store store(":memory:");
  const auto cells = cells_of(8);
  const std::string script = std::string(R"(case $request in
      *'"limit":0'*) kill -SEGV $$;;
      *'"limit":1'*) exit 7;;
      *'"limit":2'*) echo hello >&3; exec sleep 60;;
      *'"limit":3'*) echo '{"error":"the loss is not finite at step 3"}' >&3; exit 1;;
      *'"limit":4'*) exit 0;;
      *'"limit":5'*) )") + kResult +
                             R"( exit 3;;
      *'"limit":6'*) kill -KILL $$;;
      *) )" + kResult + " esac";
  const auto outcomes = run(cells, store, played_by(script));
  const char* reasons[] = {"signal 11",
                           "exit code 7",
                           "not a message: 'hello'",
                           "the loss is not finite at step 3",
                           "ended without a result",
                           "exit code 3",
                           "signal 9 (Killed), perhaps for lack of memory"};
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(outcomes[i].run.status, "failed") << i;
    EXPECT_NE(outcomes[i].run.reason.find(reasons[i]), std::string::npos) << i << ": " << outcomes[i].run.reason;
  }
  EXPECT_EQ(outcomes[7].run.status, "done") << outcomes[7].run.reason;
  EXPECT_EQ(store.runs().size(), 1u);
  EXPECT_EQ(store.failures().size(), 7u);
}

TEST(Runner, AReasonNamesALogOnlyWhereOneStays) {
  for (const auto& [script, stays] : {std::pair("exit 7", false),
                                      {"echo words >&2; exit 7", true},
                                      {"kill -SEGV $$", false},
                                      {"echo words >&2; kill -SEGV $$", true}}) {
    const TemporaryFolder folder;
    Store store(":memory:");
    MatrixOptions options = played_by(script);
    options.state = folder.path();
    const std::string reason = run(cells_of(1), store, options).at(0).run.reason;
    EXPECT_EQ(reason.find("; see " + folder.path().string()) != std::string::npos, stays) << script << ": " << reason;
    EXPECT_EQ(names_in(folder.path()).size(), stays ? 1u : 0u) << script;
  }
}

TEST(Runner, ALimitOfProcessorTimeMayBeBehindAKill) {
  rlimit before{};
  getrlimit(RLIMIT_CPU, &before);
  const rlimit limit{1'000'000, before.rlim_max};
  setrlimit(RLIMIT_CPU, &limit);
  Store store(":memory:");
  const std::string reason = run(cells_of(1), store, played_by("kill -KILL $$")).at(0).run.reason;
  setrlimit(RLIMIT_CPU, &before);
  EXPECT_EQ(
      reason,
      "the cell's process ended with signal 9 (Killed), perhaps for lack of memory, or because it may have no more "
      "than 1000000 s on a CPU (ulimit -t)");
}

TEST(Runner, SkipsWhatIsDoneAndTriesAgainWhatFailed) {
  Store store(":memory:");
  const auto cells = cells_of(2);
  const std::string script = std::string(R"(case $request in *'"limit":0'*) exit 1;; *) )") + kResult + " esac";
  run(cells, store, played_by(script));
  const auto again = run(cells, store, played_by(kResult));
  EXPECT_FALSE(again[0].skipped);
  EXPECT_EQ(again[0].run.status, "done");
  EXPECT_TRUE(again[1].skipped);
  EXPECT_EQ(again[1].run.test_correct, 3);
  EXPECT_TRUE(store.failures().empty());
  MatrixOptions forced = played_by(kResult);
  forced.force = true;
  EXPECT_FALSE(run(cells, store, forced)[1].skipped);
  EXPECT_EQ(store.runs().size(), 2u);
}

TEST(Runner, TellsACellAllItNeeds) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "request";
  Store store(":memory:");
  const auto cells = cells_of(1);
  MatrixOptions options = played_by("echo \"$request\" > " + file + ";" + kResult);
  options.paths.root = "/data";
  options.paths.cache = "/cache";
  options.cell.threads = 3;
  run(cells, store, options);
  const CellRequest request = decode_request(contents(file));
  EXPECT_EQ(encode(request.experiment), encode(cells[0].experiment));
  EXPECT_EQ(request.data_fingerprint, "fingerprint");
  EXPECT_EQ(request.paths.root, "/data");
  EXPECT_EQ(request.options.threads, 3);
  EXPECT_EQ(request.parent, getpid());
}

TEST(Runner, SharesThreadsAmongJobsAndSaysSo) {
  Store store(":memory:");
  MatrixOptions options = played_by(std::string("sleep 0.5;") + kResult);
  options.jobs = 3;
  options.cell.threads = 7;
  const auto start = std::chrono::steady_clock::now();
  const auto outcomes = run(cells_of(3), store, options);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1400));  // sequentially: 1500
  for (const Outcome& outcome : outcomes) {
    EXPECT_EQ(outcome.run.status, "done");
    EXPECT_TRUE(outcome.run.shared);
    EXPECT_EQ(outcome.run.threads, 2);
  }
}

/// Records the limits of cells in the order in which they end.
struct Watcher : MatrixObserver {
  std::vector<long> order;
  void ended(const Outcome& outcome) override { order.push_back(outcome.cell.experiment.limit); }
};

// With `jobs` = 0, the short cells run first, side by side; then the long ones run one by one with all threads.
TEST(Runner, PutsShortCellsSideBySide) {
  Store store(":memory:");
  std::vector<Cell> cells = cells_of(5);
  for (Cell& cell : cells) cell.expected_seconds = cell.experiment.limit % 2 ? 10 : 100;  // 1 and 3 are short
  MatrixOptions options = played_by(std::string("sleep 0.2;") + kResult);
  options.jobs = 0;
  options.cell.threads = 2;
  Watcher watcher;
  const auto outcomes = run_cells(cells, store, Environment{}, options, watcher);
  EXPECT_EQ(std::set<long>(watcher.order.begin(), watcher.order.begin() + 2), (std::set<long>{1, 3}));
  for (const Outcome& outcome : outcomes) {
    const bool is_short = outcome.cell.experiment.limit % 2;
    EXPECT_EQ(outcome.run.status, "done");
    EXPECT_EQ(outcome.run.shared, is_short);
    EXPECT_EQ(outcome.run.threads, is_short ? 1 : 2);
  }
}

// No other short cell can run beside it, so it gets all threads, and its timing counts. Cells of unknown duration count
// as long.
TEST(Runner, GivesALoneShortCellAllThreads) {
  Store store(":memory:");
  std::vector<Cell> cells = cells_of(3);
  cells[0].expected_seconds = 10;
  MatrixOptions options = played_by(kResult);
  options.jobs = 0;
  options.cell.threads = 3;
  for (const Outcome& outcome : run(cells, store, options)) {
    EXPECT_FALSE(outcome.run.shared);
    EXPECT_EQ(outcome.run.threads, 3);
  }
}

// Libraries crash when memory is refused; the reason names the limit instead of the signal.
TEST(Runner, ACrashAtAMemoryLimitNamesMemory) {
  Store store(":memory:");
  const auto cells = cells_of(3);
  MatrixOptions options = played_by(R"(case $request in
      *'"limit":0'*) kill -SEGV $$;;
      *'"limit":1'*) echo '{"out_of_memory":104857600}' >&3; exit 1;;
      *) echo '{"out_of_memory":0}' >&3; exit 1;; esac)");
  options.cell.max_memory = 50 << 20;
  const auto outcomes = run(cells, store, options);
  for (const Outcome& outcome : outcomes) {
    EXPECT_EQ(outcome.run.status, "failed");
    EXPECT_EQ(outcome.run.reason.find("not enough memory: --max-memory allows 50.0 MiB"), 0u) << outcome.run.reason;
    EXPECT_EQ(outcome.run.reason.find("signal"), std::string::npos) << outcome.run.reason;
  }
  EXPECT_NE(outcomes[1].run.reason.find("about 100 MiB are needed"), std::string::npos) << outcomes[1].run.reason;
}

TEST(Runner, MoreThreadsThanCpusAreSharedTimings) {
  Store store(":memory:");
  MatrixOptions options = played_by(kResult);
  options.cell.threads = 1000;
  options.more_than_machine = true;
  const Outcome outcome = run(cells_of(1), store, options).at(0);
  EXPECT_TRUE(outcome.run.shared);
  EXPECT_EQ(outcome.run.threads, 64) << "a step has no use for more";
}

// A cell saves the flag with its state, for the process that resumes it.
TEST(Runner, TellsACellWhetherItShares) {
  const auto shares = [](const MatrixOptions& changes) {
    const TemporaryFolder folder;
    const std::string file = folder.path() / "request";
    Store store(":memory:");
    MatrixOptions options = played_by("echo \"$request\" > " + file + ";" + kResult);
    options.cell.threads = 4, options.jobs = changes.jobs, options.more_than_machine = changes.more_than_machine;
    run(cells_of(1), store, options);
    return decode_request(contents(file)).options.shared;
  };
  MatrixOptions alone, side_by_side, too_many;
  side_by_side.jobs = 2, too_many.more_than_machine = true;
  EXPECT_FALSE(shares(alone));
  EXPECT_TRUE(shares(side_by_side));
  EXPECT_TRUE(shares(too_many));
}

TEST(Runner, KeepsWhatEarlierProcessesWere) {
  Store store(":memory:");
  std::string resumed = kResult;
  const auto change = [&resumed](const std::string& from, const std::string& to) {
    resumed.replace(resumed.find(from), from.size(), to);
  };
  change(R"("seconds":0,)", R"("seconds":100,)");
  change(R"("shared":false)", R"("shared":true)");
  change(R"("parts":[])", R"("parts":[{},{}])");
  change(R"("timing_flaw":"")", R"("timing_flaw":"1 and 2 threads")");
  const Outcome outcome = run(cells_of(1), store, played_by(resumed)).at(0);
  EXPECT_EQ(outcome.run.status, "done") << outcome.run.reason;
  EXPECT_TRUE(outcome.run.shared);
  EXPECT_GE(outcome.run.seconds, 100);
  const auto stored = store.find(outcome.cell.key);
  EXPECT_EQ(stored->timing_flaw, "1 and 2 threads");
  EXPECT_EQ(stored->parts.size(), 2u);
}

// An obstacle to one cell's files fails only that cell.
TEST(Runner, ACellThatCannotBeStartedFailsAlone) {
  const TemporaryFolder folder;
  Store store(":memory:");
  const auto cells = cells_of(4);
  MatrixOptions options = played_by(kResult);
  options.state = folder.path() / "cells";
  const auto file = [&](std::size_t cell, const char* kind) {
    return options.state / fmt::format("{}.{}", cells[cell].key, kind);
  };
  std::filesystem::create_directories(file(0, "log"));
  std::filesystem::create_directories(file(1, "claim"));
  std::filesystem::create_symlink(folder.path() / "elsewhere", file(2, "log"));
  const auto outcomes = run(cells, store, options);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(outcomes[i].run.status, "failed") << i;
    EXPECT_NE(outcomes[i].run.reason.find(cells[i].key), std::string::npos) << outcomes[i].run.reason;
  }
  EXPECT_EQ(outcomes[3].run.status, "done");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "elsewhere"));
  EXPECT_EQ(store.failures().size(), 3u);

  options.program = {"/no/such/program"};
  Store other(":memory:");
  EXPECT_NE(run(cells, other, options)[3].run.reason.find("cannot start '/no/such/program'"), std::string::npos);
  options.state = "/dev/null/cells";
  for (const Outcome& outcome : run(cells, other, options)) EXPECT_EQ(outcome.run.status, "failed");
}

/// Records the notices.
struct Listener : MatrixObserver {
  std::vector<std::string> sentences;
  void noticed(const std::string& sentence) override { sentences.push_back(sentence); }
};

TEST(Runner, ADamagedCheckpointIsSetAside) {
  const TemporaryFolder folder;
  const auto cells = cells_of(1);
  MatrixOptions options = played_by(kResult);
  options.state = folder.path();
  for (const char* name : {"damaged", "damaged-2"}) {
    Store store(":memory:");
    std::ofstream(folder.path() / (cells[0].key + ".safetensors")) << name << " and not a checkpoint";
    Listener listener;
    EXPECT_EQ(run_cells(cells, store, Environment{}, options, listener)[0].run.status, "done");
    ASSERT_EQ(listener.sentences.size(), 1u);
    const auto aside = folder.path() / (cells[0].key + "." + name);
    EXPECT_NE(listener.sentences[0].find(aside.string()), std::string::npos) << listener.sentences[0];
    EXPECT_EQ(contents(aside), std::string(name) + " and not a checkpoint");
  }
}

/// Requests a stop as soon as a cell has started.
struct Impatient : MatrixObserver {
  std::atomic<bool> stop{false};
  void started(const Cell&) override { stop = true; }
};

TEST(Runner, StopsWhenAskedTo) {
  Store store(":memory:");
  Impatient observer;
  MatrixOptions options = played_by("exec sleep 60");
  options.stop = &observer.stop;
  const auto cells = cells_of(3);
  const auto outcomes = run_cells(cells, store, Environment{}, options, observer);
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.run.status, "interrupted");
  EXPECT_EQ(store.failures().size(), 1u);  // the one that had started
}

}  // namespace
}  // namespace lra
