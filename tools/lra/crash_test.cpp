// The real program when it is interrupted, runs out of memory or time, or shares a matrix with other processes.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tools/lra/background_testing.h"

namespace lra {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Starts the run, sends the signal after `delay` and expects the program to stop within two seconds.
void interrupt(const Sandbox& sandbox, const std::string& matrix, int signal, milliseconds delay) {
  Background program(sandbox, matrix);
  while (program.running() && program.cells().empty()) std::this_thread::sleep_for(milliseconds(5));
  std::this_thread::sleep_for(delay);
  const auto start = Clock::now();
  program.send(signal);
  EXPECT_EQ(program.wait(), 130) << contents(sandbox.path("background.err"));
  EXPECT_LT(Clock::now() - start, milliseconds(2000));
}

TEST(Crash, AnInterruptedRunStopsWithinTwoSecondsAndResumes) {
  const Sandbox sandbox, reference;
  const std::string matrix = fmt::format(
      "run --preset smoke --tasks lookup --models transformer --json --set steps={} ", kSanitised ? 500 : 3000);
  const Finished whole = reference.lra(matrix);
  ASSERT_EQ(whole.code, 0) << whole.err;
  const auto folder = sandbox.path("lra.db-cells");
  // A cell that is interrupted before its first step leaves no state, so the delay grows until one does.
  for (milliseconds delay{300}; !HasFailure(); delay *= 2) {
    for (const int signal : {SIGINT, SIGTERM}) interrupt(sandbox, matrix, signal, delay);
    if (!std::filesystem::is_empty(folder)) break;
  }
  const Finished resumed = sandbox.lra(matrix);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(bits(resumed), bits(whole));
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "a done cell leaves no state behind";
}

// One micro-batch of 16,384 tokens takes seconds; an interrupt must not wait for it.
TEST(Crash, AnInterruptDoesNotWaitForALongMicroBatch) {
  const Sandbox sandbox;
  Background program(sandbox,
                     "run --preset smoke --tasks listops --models transformer --set token_budget=1000000 "
                     "--set batch=60000 --set width=64 --set qkv=64 --threads 1");
  while (program.running() && program.cells().empty()) std::this_thread::sleep_for(milliseconds(5));
  std::this_thread::sleep_for(milliseconds(1500));
  const auto start = Clock::now();
  program.send(SIGINT);
  EXPECT_EQ(program.wait(), 130) << contents(sandbox.path("background.err"));
  EXPECT_LT(Clock::now() - start, milliseconds(2000));
}

void share_a_matrix(int processes, int seeds) {
  const Sandbox sandbox;
  const std::string matrix = fmt::format(
      "run --preset smoke --tasks lookup --models identity --set steps=5 --seeds 0..{} --threads 1 --json", seeds - 1);
  std::vector<std::unique_ptr<Background>> all;
  all.reserve(std::size_t(processes));
  for (int i = 0; i < processes; ++i)
    all.push_back(std::make_unique<Background>(sandbox, matrix, fmt::format("p{}", i)));
  int trained = 0;
  for (int i = 0; i < processes; ++i) {
    const std::string name = sandbox.path(fmt::format("p{}", i));
    ASSERT_EQ(all[std::size_t(i)]->wait(), 0) << contents(name + ".err");
    EXPECT_EQ(contents(name + ".err").find("locked"), std::string::npos);
    for (const Json& cell : Json::parse(contents(name + ".out"))) {
      EXPECT_EQ(cell.at("status"), "done");
      trained += !cell.at("skipped").get<bool>();
    }
  }
  EXPECT_EQ(trained, seeds) << "each cell exactly once";
  fmt::print("{} processes, {} cells: each trained once\n", processes, seeds);
}

TEST(Crash, FourProcessesShareAMatrix) { share_a_matrix(4, 12); }

TEST(SlowCrash, EightProcessesShareTwoHundredCells) { share_a_matrix(8, 200); }

TEST(Crash, ACellOverItsTimeLimitFailsAlone) {
  const Sandbox sandbox;
  const Finished slow =
      sandbox.lra("run --preset smoke --tasks lookup --models transformer --set steps=100000 --max-time 1s --json");
  ASSERT_EQ(slow.code, 1) << slow.err;
  EXPECT_NE(slow.json().at(0).at("reason").get<std::string>().find("--max-time"), std::string::npos);
}

TEST(Crash, ACellOverItsMemoryLimitFailsAlone) {
  if (kSanitised) GTEST_SKIP() << "AddressSanitizer's shadow memory exceeds any limit";
  const Sandbox sandbox;
  const Finished large = sandbox.lra(
      "run --preset smoke --tasks lookup --models transformer --set width=4096 --set qkv=4096 --set ff=8192 "
      "--max-memory 100M --json");
  ASSERT_EQ(large.code, 1) << large.err;
  EXPECT_NE(large.json().at(0).at("reason").get<std::string>().find("memory"), std::string::npos)
      << large.json().at(0).at("reason");
}

}  // namespace
}  // namespace lra
