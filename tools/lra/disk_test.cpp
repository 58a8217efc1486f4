// The real program when writes fail, as on a full disk or at a file size limit.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "core/random.h"
#include "tools/lra/crash_testing.h"

namespace lra {
namespace {

/// `count` writes fail as on a full disk, starting with the write of this number.
struct Fault {
  int at, count;
};

std::vector<Fault> faults_from(int first, int last, int stride) {
  std::vector<Fault> all;
  for (int at = first; at <= last; at += stride) all.push_back({at, at % 2 ? 1 : 1000});
  return all;
}

/// Faults at random positions of a run, of random lengths.
std::vector<Fault> faults_at_random(int count) {
  const Random random(7, "faults");
  std::vector<Fault> all(static_cast<std::size_t>(count));
  std::uint64_t draw = 0;
  for (Fault& fault : all) {
    fault.at = 1 + int(random.below(1500, draw++));
    fault.count = 1 << random.below(11, draw++);
  }
  return all;
}

/// The environment variables for a fault. With `ends`, the process is killed instead.
std::string preload(const Fault& fault, bool ends = false) {
  if (ends) return fmt::format("LD_PRELOAD={} LRA_FAULT_AT={} LRA_FAULT_KILL=9 ", LRA_FAULTS, fault.at);
  return fmt::format("LD_PRELOAD={} LRA_FAULT_AT={} LRA_FAULT_COUNT={} ", LRA_FAULTS, fault.at, fault.count);
}

/// Runs a cell with each fault, then again without faults, and expects the bits of an undisturbed run.
void fill_the_disk(const std::vector<Fault>& faults) {
  if (kSanitised) GTEST_SKIP() << "a library cannot be preloaded before AddressSanitizer";
  const std::string matrix =
      "run --preset smoke --tasks lookup --models identity --set steps=20 --checkpoint 0.001 --threads 1 --json";
  const Sandbox reference;
  const Json expected = bits(reference.lra(matrix));
  int failed = 0;
  for (const Fault& fault : faults) {
    const int at = fault.at;
    const Sandbox sandbox;
    const Finished full = sandbox.lra(matrix, preload(fault) + "XDG_CACHE_HOME=" + sandbox.path("cache").string());
    ASSERT_TRUE(full.code == 0 || full.code == 1 || full.code == 3) << "write " << at << ": " << full.err;
    EXPECT_EQ(full.err.find("terminate"), std::string::npos) << full.err;
    failed += full.code != 0;
    const Finished again = sandbox.lra(matrix, "XDG_CACHE_HOME=" + sandbox.path("cache").string());
    ASSERT_EQ(again.code, 0) << "write " << at << ": " << again.err;
    ASSERT_EQ(bits(again), expected) << "write " << at;
    ASSERT_EQ(integrity(sandbox), "ok") << "write " << at;
  }
  EXPECT_GT(failed, 0);
  fmt::print("{} runs with failing writes, {} of them ended with an error; all went on to the same bits\n",
             faults.size(), failed);
}

/// A step whose writes fail must print an error, leave no partial files, and succeed when it runs again. Returns false
/// when no write failed.
bool run_short_of_space(const Steps& steps, std::size_t step, const std::string& limits,
                        const std::string& environment) {
  const Sandbox sandbox;
  steps.set_up(step, sandbox);
  const Finished full = sandbox.lra(steps.list()[step].command, environment, limits);
  const bool killed = full.code == -1 && environment.find("LRA_FAULT_KILL") != std::string::npos;
  EXPECT_TRUE(killed || full.code == 0 || full.code == 1 || full.code == 3) << full.code << ": " << full.err;
  EXPECT_EQ(full.err.find("terminate"), std::string::npos) << full.err;
  EXPECT_TRUE(killed || full.code == 0 || full.err.find("lra: ") != std::string::npos) << "no sentence: " << full.err;
  steps.expect_consistent(step, sandbox);
  steps.expect_the_same_end(step, sandbox);
  return full.code != 0;
}

/// Lets every stride-th write of each step fail, or kill the process. fill_the_disk tests the writes of a run.
void fill_the_disk_step_by_step(int last, int stride, bool ends = false) {
  if (kSanitised) GTEST_SKIP() << "a library cannot be preloaded before AddressSanitizer";
  const Steps steps;
  for (std::size_t step = 1; step < steps.list().size(); ++step) {
    int failed = 0;
    for (const Fault& fault : faults_from(1, last, stride)) {
      SCOPED_TRACE(fmt::format("write {} of {}", fault.at, steps.list()[step].command));
      failed += run_short_of_space(steps, step, "", preload(fault, ends));
      if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GT(failed, 0) << steps.list()[step].command;
    fmt::print("{} of {} runs failed: {}\n", failed, (last + stride - 1) / stride,
               steps.list()[step].command.substr(0, 40));
  }
}

TEST(Crash, AFullDiskLeavesNoPartialFiles) { fill_the_disk_step_by_step(10, 4); }

TEST(Crash, AKillDuringAWriteLeavesNoPartialFiles) { fill_the_disk_step_by_step(14, 6, /*ends=*/true); }

TEST(SlowCrash, AnyOfTheFirst60WritesOfEachStepMayFail) { fill_the_disk_step_by_step(60, 1); }

// `ulimit -f` counts blocks of 512 bytes. The commands' output goes to a file too and has to fit.
TEST(Crash, AFileSizeLimitLeavesNoPartialFiles) {
  if (kSanitised) GTEST_SKIP() << "AddressSanitizer's files would be limited too";
  const Steps steps;
  for (std::size_t step = 0; step < steps.list().size(); ++step) {
    SCOPED_TRACE(steps.list()[step].command);
    for (const char* blocks : {"40", "200"}) run_short_of_space(steps, step, fmt::format("ulimit -f {}; ", blocks), "");
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Crash, AFullDiskLosesNothing) { fill_the_disk(faults_from(1, 100, 13)); }

#ifndef __SANITIZE_ADDRESS__  // before whose library no other can be preloaded

// After a power failure a file that was renamed before it was synced may be empty under its final name.
TEST(Crash, EveryFileIsSyncedBeforeItIsRenamed) {
  const Steps steps;
  std::set<std::string> names;
  for (std::size_t step = 0; step < steps.list().size(); ++step) {
    const Sandbox sandbox;
    steps.set_up(step, sandbox);
    const std::string log = sandbox.path("sync.log").string();
    sandbox.lra(steps.list()[step].command, fmt::format("LD_PRELOAD={} LRA_SYNC_LOG={}", LRA_FAULTS, log));
    std::ifstream lines(log);
    for (std::string state, name; lines >> state && std::getline(lines, name);) {
      EXPECT_EQ(state, "synced") << name << " of " << steps.list()[step].command;
      names.insert(std::filesystem::path(name).filename());
    }
  }
  EXPECT_GE(names.size(), 3u) << "checkpoints, exports and prepared data are renamed";
}

#endif

TEST(SlowCrash, AnyOfTheFirst300WritesMayFail) { fill_the_disk(faults_from(1, 300, 1)); }

TEST(SlowCrash, AnyWritesMayFailAtRandom) { fill_the_disk(faults_at_random(100)); }

}  // namespace
}  // namespace lra
