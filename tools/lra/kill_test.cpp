// Kills the real program at any moment while it writes: stored results are not lost, no file with a final name is
// partial, and running the same command again gives the same content.
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <thread>

#include "core/file.h"
#include "core/random.h"
#include "results/store/store.h"
#include "tools/lra/crash_testing.h"

namespace lra {
namespace {

using std::chrono::milliseconds;

/// Bench measurements with their values, which must stay once stored.
std::multiset<std::string> figures(const std::filesystem::path& file) {
  std::multiset<std::string> all;
  if (!has_tables(file)) return all;
  for (const Measurement& m : Store(file, Store::Access::read).measurements())
    all.insert(fmt::format("{} {} {} {}", m.model, m.length, m.metric, m.value));
  return all;
}

/// Kills the program, or only its cell's process if it has one; returns false if it had already ended.
bool kill_once(const Sandbox& sandbox, const std::string& command, bool parent, milliseconds moment) {
  Background program(sandbox, command);
  std::this_thread::sleep_for(moment);
  const std::vector<pid_t> victims = program.cells();
  if (!program.running()) return false;
  if (parent || victims.empty())
    program.send(SIGKILL);
  else
    kill(victims.front(), SIGKILL);
  return program.wait() != 0;
}

/// Expects stored bench rows to have all their measurements, and none to have disappeared.
void expect_kept(const Sandbox& sandbox, const Json& before, const std::multiset<std::string>& figures_before) {
  const Json now = content(sandbox.path("lra.db"));
  for (const auto& [key, run] : before.at("runs").items()) EXPECT_EQ(now.at("runs").value(key, Json()), run) << key;
  const auto all = figures(sandbox.path("lra.db"));
  EXPECT_TRUE(std::includes(all.begin(), all.end(), figures_before.begin(), figures_before.end()));
}

void expect_whole_rows(const Sandbox& sandbox, const Json& wanted) {
  const Json now = content(sandbox.path("lra.db"));
  for (const auto& [row, metrics] : now.at("bench").items())
    EXPECT_EQ(metrics, wanted.at("bench").value(row, Json())) << row;
}

void kill_and_repeat(const Steps& steps, std::size_t step, bool parent, milliseconds moment, int& kills) {
  const Sandbox sandbox;
  steps.set_up(step, sandbox);
  const Json before = content(sandbox.path("lra.db"));
  const auto figures_before = figures(sandbox.path("lra.db"));
  if (!kill_once(sandbox, steps.list()[step].command, parent, moment)) return;
  ++kills;
  steps.expect_consistent(step, sandbox);
  expect_kept(sandbox, before, figures_before);
  const Json wanted = content(steps.after(steps.list().size() - 1, "lra.db"));
  expect_whole_rows(sandbox, wanted);
  const auto figures_after = figures(sandbox.path("lra.db"));
  steps.expect_the_same_end(step, sandbox);
  expect_kept(sandbox, before, figures_after);
}

/// Repeats the steps, each as often as its weight, until this many kills were made.
void kill_at_moments(int wanted) {
  const Steps steps;
  const Random random(1, "test", "kills");
  std::vector<int> kills(steps.list().size());
  std::vector<double> lengths;  // in milliseconds; updated, because the machine's load may change
  for (std::size_t step = 0; step < steps.list().size(); ++step) lengths.push_back(double(steps.milliseconds_of(step)));
  int all = 0, tries = 0;
  for (int round = 0; all < wanted && tries < 4 * wanted; ++round)
    for (std::size_t step = 0; step < steps.list().size(); ++step)
      for (int i = 0; i < steps.list()[step].weight && all < wanted; ++i, ++tries) {
        const milliseconds moment(random.below(std::uint32_t(lengths[step]) + 1, std::uint64_t(tries)));
        const int before = kills[step];
        SCOPED_TRACE(fmt::format("{} killed after {} ms", steps.list()[step].command, moment.count()));
        kill_and_repeat(steps, step, (round + i) % 2 == 0, moment, kills[step]);
        if (::testing::Test::HasFailure()) return;
        all += kills[step] - before;
        lengths[step] *= kills[step] == before ? 0.95 : 1.02;
      }
  EXPECT_EQ(all, wanted);
  for (std::size_t step = 0; step < steps.list().size(); ++step)
    fmt::print("{} kills: {}\n", kills[step], steps.list()[step].command.substr(0, 40));
}

TEST(Crash, OnlyCellsCountAsCells) {
  const Sandbox sandbox("bash");
  write_file(sandbox.path("cell"), "sleep 5\n:");
  write_file(sandbox.path("program"), "sleep 5 &\n(exec -a /proc/self/exe bash cell) &\nwait");
  const Background program(sandbox, "program");
  while (program.running() && program.cells().empty()) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(program.cells().size(), 1u);
}

TEST(Crash, KilledAnywhereLosesNothing) { kill_at_moments(10); }

TEST(SlowCrash, KilledTwoHundredTimesLosesNothing) { kill_at_moments(200); }

}  // namespace
}  // namespace lra
