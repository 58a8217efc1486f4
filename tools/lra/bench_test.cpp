// What `lra bench` keeps when it is interrupted, and what progress it prints.
#include <gtest/gtest.h>

#include <chrono>
#include <regex>
#include <set>
#include <thread>

#include "results/store/store.h"
#include "tools/lra/background_testing.h"

namespace lra {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// The last two cells take minutes.
const std::string kLong =
    "bench --models linear,transformer --lengths 64,16384 --batch 32 --seconds 0.2 --alone --json --db b.db "
    "--max-memory 600M ";

std::string said(const Sandbox& sandbox) { return contents(sandbox.path("background.err")); }

/// Waits at most a minute until a bench in the background has printed something that matches `pattern`.
bool wait_for(const Sandbox& sandbox, const Background& program, const std::string& pattern) {
  const std::regex said_it(pattern);
  for (int i = 0; i < 6000 && program.running(); ++i) {
    if (std::regex_search(said(sandbox), said_it)) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

std::set<std::string> stored_rows(const Sandbox& sandbox) {
  std::set<std::string> rows;
  for (const Measurement& m : Store(sandbox.path("b.db"), Store::Access::read).measurements())
    if (m.metric == "median_ms") rows.insert(fmt::format("{} {}", m.model, m.length));
  return rows;
}

/// Matches the line for the measured second cell. A progress line has the same number but ends differently.
const std::string kTwoMeasured = R"(\[2/4\] .* ms per step)";
const std::set<std::string> kShortRows{"linear 64", "transformer 64"};

std::set<std::string> printed_rows(const std::string& json) {
  std::set<std::string> rows;
  for (const Json& row : Json::parse(json))
    rows.insert(fmt::format("{} {}", row.at("model").get<std::string>(), row.at("length").get<long>()));
  return rows;
}

TEST(BenchStopped, PrintsAndStoresMeasuredCells) {
  std::vector<int> signals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
  if (kSanitised) signals.resize(2);  // a quarter of a minute each; all have one handler
  for (const int signal : signals) {
    SCOPED_TRACE(strsignal(signal));
    const Sandbox sandbox;
    Background program(sandbox, kLong);
    ASSERT_TRUE(wait_for(sandbox, program, kTwoMeasured)) << said(sandbox);
    std::this_thread::sleep_for(milliseconds(1000));  // into a long step
    const auto start = Clock::now();
    program.send(signal);
    EXPECT_EQ(program.wait(), 130) << said(sandbox);
    EXPECT_LT(Clock::now() - start, milliseconds(2000));
    EXPECT_EQ(printed_rows(contents(sandbox.path("background.out"))), kShortRows);
    EXPECT_EQ(stored_rows(sandbox), kShortRows);
    EXPECT_NE(said(sandbox).find("interrupted; incomplete: 2 of 4 cells are not measured: linear N 16384"),
              std::string::npos)
        << said(sandbox);
  }
}

TEST(BenchStopped, StoresMeasuredCellsEvenWhenKilled) {
  const Sandbox sandbox;
  Background program(sandbox, kLong);
  ASSERT_TRUE(wait_for(sandbox, program, kTwoMeasured)) << said(sandbox);
  program.send(SIGKILL);
  program.wait();
  EXPECT_EQ(stored_rows(sandbox), kShortRows);
}

TEST(BenchStopped, EndsAtItsTimeLimit) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra(kLong + (kSanitised ? "--max-time 40s" : "--max-time 8s"));
  EXPECT_EQ(finished.code, 1);
  EXPECT_EQ(printed_rows(finished.out), kShortRows);
  EXPECT_EQ(stored_rows(sandbox), kShortRows);
  EXPECT_NE(finished.err.find("the time limit --max-time was reached; incomplete: 2 of 4 cells"), std::string::npos)
      << finished.err;
}

TEST(BenchStopped, AKilledCellFailsAlone) {
  const Sandbox sandbox;
  Background program(sandbox,
                     "bench --models linear,identity --lengths 64,128 --batch 2 --seconds 3 --json --db b.db "
                     "--max-memory 100M ");
  // After the forecast, two simultaneous children are the two cells of a length; the one that started last ends last.
  ASSERT_TRUE(wait_for(sandbox, program, "4 cells: ")) << said(sandbox);
  std::vector<pid_t> cells;
  while (cells.size() < 2 && program.running()) cells = program.cells();
  ASSERT_EQ(cells.size(), 2u) << said(sandbox);
  kill(cells.back(), SIGKILL);
  EXPECT_EQ(program.wait(), 1) << said(sandbox);
  const Json rows = Json::parse(contents(sandbox.path("background.out")));
  ASSERT_EQ(rows.size(), 4u);
  std::multiset<std::string> statuses;
  for (const Json& row : rows) {
    statuses.insert(row.at("status"));
    if (row.at("status") == "done") continue;
    EXPECT_TRUE(row.at("fits").is_null());
    EXPECT_NE(row.at("reason").get<std::string>().find("signal 9"), std::string::npos) << row;
  }
  EXPECT_EQ(statuses, (std::multiset<std::string>{"done", "done", "done", "failed"}));
  EXPECT_EQ(stored_rows(sandbox).size(), 3u);
}

TEST(BenchSteps, ComparesTimeAndStatesWithACache) {
  const Sandbox sandbox;
  const std::string bench =
      "bench --mode step --models linear,linformer,transformer --lengths 4,64 --seconds 0.01 --set width=16 --set "
      "layers=1 ";
  const Finished table = sandbox.lra(bench);
  ASSERT_EQ(table.code, 0) << table.err;
  EXPECT_NE(table.out.find("after 64 tokens, 1 sequence at a time"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("linformer is left out: linformer has no step form"), std::string::npos) << table.out;
  const Json rows = sandbox.lra(bench + "--json").json();
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows.at(0).at("state_bytes"), rows.at(1).at("state_bytes"));
  EXPECT_EQ(rows.at(2).at("status"), "no step form");
  EXPECT_EQ(rows.at(4).at("state_bytes"), 4 * (2 * 16 * 4 + 16));  // keys, values, and the mean so far
  EXPECT_EQ(rows.at(5).at("state_bytes"), 4 * (2 * 16 * 64 + 16));
  EXPECT_EQ(sandbox.lra(bench + "--profile").code, 2);
  EXPECT_EQ(sandbox.lra(bench + "--batch 0").code, 2);
}

TEST(BenchProgress, ShowsTheForecastAndTheProgress) {
  const Sandbox sandbox;
  const Finished finished =
      sandbox.lra("bench --models linear,identity --lengths 32,64 --batch 2 --seconds 0.01 --max-memory 100M");
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.err.find("4 cells: about "), std::string::npos) << finished.err;
  EXPECT_NE(finished.err.find(" of memory at a time"), std::string::npos) << finished.err;
  EXPECT_NE(finished.err.find("elapsed"), std::string::npos) << finished.err;
  EXPECT_NE(finished.err.find("[4/4] identity N 64: "), std::string::npos) << finished.err;
  EXPECT_EQ(finished.err.find('\r'), std::string::npos);
  EXPECT_EQ(finished.err.find('\033'), std::string::npos);
}

}  // namespace
}  // namespace lra
