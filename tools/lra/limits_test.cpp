// The real program under limits of memory, threads, CPUs, file sizes and time, and with unexpected files in its
// folders.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "tools/lra/program_testing.h"

namespace lra {
namespace {

const std::string kSmall = "run --preset smoke --tasks lookup --models transformer --json --set steps=10 ";
const std::string kLong = "run --preset smoke --tasks lookup --models identity --threads 1 --set steps=1000000 ";

/// A shell command prefix that sets a limit and then executes the program.
std::string limited(const std::string& limit) { return "sh -c 'ulimit " + limit + "; exec \"$@\"' sh"; }

/// The only cell of the run.
Json cell_of(const Finished& finished) {
  const Json cells = finished.json();
  return cells.is_array() && cells.size() == 1 ? cells.at(0)
                                               : Json{{"status", "none: " + finished.err}, {"reason", ""}};
}

/// Expects the cell to be done, or to have failed with an error that names memory and the limit, without a signal.
void expect_done_or_memory(const Finished& finished, const std::string& limit) {
  const Json cell = cell_of(finished);
  const std::string status = cell.at("status"), reason = cell.at("reason");
  if (status == "done") return;
  EXPECT_EQ(status, "failed");
  EXPECT_EQ(reason.find("not enough memory: " + limit + " allows "), 0u) << reason;
  EXPECT_EQ(reason.find("signal"), std::string::npos) << reason;
  EXPECT_EQ(reason.find("crashed"), std::string::npos) << reason;
}

TEST(Limits, ExplainsTooLittleMemory) {
  if (kSanitised) GTEST_SKIP() << "AddressSanitizer's shadow memory exceeds any limit";
  const Sandbox sandbox;
  for (const int megabytes : {1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100}) {
    SCOPED_TRACE(megabytes);
    const Finished finished = sandbox.lra(kSmall + fmt::format("--threads 2 --max-memory {}M", megabytes));
    expect_done_or_memory(finished, "--max-memory");
    if (megabytes < 60) {
      EXPECT_EQ(finished.code, 1);
    }
  }
  for (const int kilobytes : {200000, 300000, 400000}) {
    SCOPED_TRACE(kilobytes);
    expect_done_or_memory(sandbox.lra(kSmall, limited(fmt::format("-v {}", kilobytes))), "ulimit -v");
  }
}

// Every command, not only cells.
TEST(Limits, ExplainsTooLittleAddressSpace) {
  if (kSanitised) GTEST_SKIP() << "AddressSanitizer's shadow memory exceeds any limit";
  const Sandbox sandbox;
  for (const int kilobytes : {150000, 200000, 300000})
    for (const char* command :
         {"doctor", "describe model linear --task image", "bench --models linear --lengths 64 --alone --seconds 0.01",
          "run --tasks lookup --models linear --preset smoke --dry-run"}) {
      const Finished finished = sandbox.lra(command, limited(fmt::format("-v {}", kilobytes)));
      if (finished.code == 0) continue;
      EXPECT_EQ(finished.code, 1) << command << ", " << kilobytes << " KiB: " << finished.err;
      EXPECT_NE(finished.err.find("not enough memory: ulimit -v allows "), std::string::npos) << finished.err;
    }
}

/// The number before " MiB" that follows `word`; 0 without one.
double mebibytes_after(const std::string& word, const std::string& text) {
  const std::size_t at = text.find(word);
  return at == std::string::npos ? 0 : std::stod(text.substr(at + word.size()));
}

TEST(Limits, TheReportedMemoryNeedIsAboutRight) {
  if (kSanitised) GTEST_SKIP() << "AddressSanitizer's shadow memory exceeds any limit";
  const Sandbox sandbox;
  for (const std::string& arguments : {kSmall + "--threads 2", kSmall + "--threads 1 --set width=256 --set qkv=256"}) {
    const std::string reason = cell_of(sandbox.lra(arguments + " --max-memory 20M")).at("reason");
    const double needed = mebibytes_after("and about ", reason);
    ASSERT_GT(needed, 20) << reason;
    const Finished finished = sandbox.lra(arguments + fmt::format(" --max-memory {:.0f}M", 1.25 * needed));
    EXPECT_EQ(finished.code, 0) << needed << " MiB: " << finished.err;
  }
}

// 100 million parameters, none of which is initialised. 2,000,000 KiB are 1.91 GiB.
TEST(Limits, AModelLargerThanMemoryIsNotBuilt) {
  if (kSanitised) GTEST_SKIP() << "AddressSanitizer's shadow memory exceeds any limit";
  const Sandbox sandbox;
  const std::string large = kSmall + "--threads 1 --set width=4096 --set qkv=4096 --set ff=4096 ";
  const std::string words = "not enough memory: ulimit -v allows 1.91 GiB, and about ";
  const auto start = std::chrono::steady_clock::now();
  const Finished run = sandbox.lra(large, limited("-v 2000000"));
  const Finished plan = sandbox.lra(large + "--dry-run", limited("-v 2000000"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_EQ(cell_of(run).at("reason").get<std::string>().find(words), 0u) << cell_of(run).at("reason");
  EXPECT_EQ(plan.code, 1) << plan.err;
  EXPECT_NE(plan.err.find("transformer on lookup@smoke: " + words), std::string::npos) << plan.err;
}

// Accepted settings that cannot be run are refused before the machine swaps.
TEST(Limits, AForecastOfExtremeSettingsEndsSoon) {
  if (kSanitised) GTEST_SKIP() << "AddressSanitizer's shadow memory exceeds any limit";
  const Sandbox sandbox;
  const std::string plan = "run --dry-run --preset smoke --tasks text --threads 1 --models ";
  // Few parameters, and an attention matrix of up to 100,000² numbers for each of two heads.
  const std::string wide = plan + "transformer --model-args transformer:materialized=true --set length=100000";
  const Finished large = sandbox.lra(wide + " --max-memory 1G", "timeout 30");
  EXPECT_EQ(large.code, 1);
  const std::string words =
      "transformer on text@smoke-100000: not enough memory: --max-memory allows 1.00 GiB, and about ";
  EXPECT_NE(large.err.find(words), std::string::npos) << large.err;
  const Finished longest = sandbox.lra(plan + "transformer --set length=1000000", "timeout 30");
  EXPECT_EQ(longest.code, 0) << longest.err;
}

TEST(SlowLimits, AForecastThatTakesMinutesEndsWithASentence) {
  const Finished slow = Sandbox().lra(
      "run --dry-run --preset smoke --tasks text --threads 1 --models perceiver --set layers=12 "
      "--model-args perceiver:latents=65536",
      "timeout 120");
  EXPECT_EQ(slow.code, 1);
  EXPECT_NE(slow.err.find("perceiver on text@smoke: its shortest steps take more than 60 s"), std::string::npos)
      << slow.err;
}

TEST(Limits, ExplainsThatAThreadCannotBeStarted) {
  if (kSanitised) GTEST_SKIP() << "a library cannot be preloaded before AddressSanitizer";
  const Sandbox sandbox;
  // The cell starts one thread before its four, to find out which tokens the model reaches.
  const Finished finished =
      sandbox.lra(kSmall + "--threads 4", fmt::format("LD_PRELOAD={} LRA_FAULT_THREAD=4 timeout 60", LRA_FAULTS));
  EXPECT_EQ(finished.code, 1) << finished.err;
  const std::string reason = cell_of(finished).at("reason");
  EXPECT_NE(reason.find("cannot start thread 3 of 4"), std::string::npos) << reason;
  EXPECT_NE(reason.find("--threads"), std::string::npos) << reason;
  EXPECT_NE(reason.find("ulimit -u"), std::string::npos) << reason;
}

/// A shell command prefix that limits the user to this many processes and threads. Root has no such limit, so the
/// program runs as another user, who owns no other processes.
std::string with_processes(int most, const Sandbox& sandbox) {
  constexpr int kNobodyElse = 61234;
  const std::string other = geteuid() == 0 ? fmt::format("setpriv --reuid={} --clear-groups ", kNobodyElse) : "";
  // LeakSanitizer starts another process.
  return fmt::format("timeout 60 {}prlimit --nproc={} env ASAN_OPTIONS=detect_leaks=0 XDG_CACHE_HOME={}", other, most,
                     sandbox.path("own").string());
}

TEST(Limits, ExplainsTooFewProcesses) {
  const TemporaryFolder open_to_all;  // the other user may lack access to the program's folder
  std::filesystem::copy_file(LRA_PROGRAM, open_to_all / "lra");
  const Sandbox sandbox((open_to_all / "lra").string());
  for (const auto& folder : {open_to_all.path(), sandbox.path("")})
    std::filesystem::permissions(folder, std::filesystem::perms::all);
  ASSERT_EQ(sandbox.lra("--version", with_processes(1, sandbox)).code, 0);
  for (int most = 1; most <= 8; ++most) {
    SCOPED_TRACE(most);
    const Finished run =
        sandbox.lra(kSmall + fmt::format("--threads 3 --db {}.db", most), with_processes(most, sandbox));
    EXPECT_TRUE(run.code == 1 || most >= 5) << "the program, its cell and three threads are five";
    if (run.code == 0) break;
    EXPECT_NE(std::string(cell_of(run).at("reason")).find("ulimit -u"), std::string::npos) << run.err;
  }
  for (int most = 1; most <= 4; ++most) {
    SCOPED_TRACE(most);
    const Finished bench =
        sandbox.lra("bench --models linear --lengths 64 --batch 4 --threads 3 --seconds 0.01 --alone",
                    with_processes(most, sandbox));
    EXPECT_EQ(bench.code, 1);
    EXPECT_NE(bench.err.find("ulimit -u"), std::string::npos) << bench.err;
    const Finished plan = sandbox.lra("run --dry-run --preset smoke --tasks text --models linear --threads 3",
                                      with_processes(most, sandbox));
    EXPECT_EQ(plan.code, 1) << plan.err;
    EXPECT_NE(plan.err.find("ulimit -u"), std::string::npos) << plan.err;
  }
}

TEST(SlowLimits, WarnsOfMoreThreadsThanCpusAndMarksRunsShared) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra(kSmall + "--threads 1000");
  EXPECT_EQ(finished.code, 0) << finished.err;
  const Json cell = cell_of(finished);
  EXPECT_EQ(cell.at("shared"), true);
  EXPECT_LE(cell.at("threads").get<long>(), 64);
  const std::size_t first = finished.err.find("--threads 1000");
  ASSERT_NE(first, std::string::npos) << finished.err;
  EXPECT_EQ(finished.err.find("--threads 1000", first + 1), std::string::npos) << "once is enough";
}

TEST(Limits, TheAffinityMaskDecidesTheThreads) {
  cpu_set_t mask;
  ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &mask)) ++cpu;
  const std::string one = fmt::format("taskset -c {}", cpu);
  const Sandbox sandbox;
  const Json usual = cell_of(sandbox.lra(kSmall, one));
  EXPECT_EQ(usual.at("threads"), 1);
  EXPECT_EQ(usual.at("shared"), false);
  const Finished asked = sandbox.lra(kSmall + "--force --threads 2", one);
  EXPECT_EQ(cell_of(asked).at("threads"), 2);
  EXPECT_EQ(cell_of(asked).at("shared"), true);
  EXPECT_NE(asked.err.find("1 CPU"), std::string::npos) << asked.err;
  const Finished doctor = sandbox.lra("doctor", one);
  EXPECT_NE(doctor.out.find("matrix products, 1 thread\n"), std::string::npos) << doctor.out;
  const Json bench = sandbox.lra("bench --models linear --lengths 64 --alone --seconds 0.01 --json", one).json();
  EXPECT_EQ(bench.at(0).at("threads"), 1);
}

TEST(Limits, EveryTerminationSignalInterrupts) {
  for (const char* signal : {"HUP", "USR1", "USR2", "XCPU", "TERM"}) {
    const Sandbox sandbox;
    Finished finished;
    // Until the cell has trained by then.
    const auto has_state = [&] { return !std::filesystem::is_empty(sandbox.path("lra.db-cells")); };
    for (int seconds = 1; seconds < 40 && (finished.code != 130 || !has_state()); seconds *= 2)
      finished = sandbox.lra(kLong, fmt::format("timeout --preserve-status -s {} {}", signal, seconds));
    EXPECT_EQ(finished.code, 130) << signal << ": " << finished.err;
    EXPECT_NE(finished.err.find("the same command resumes"), std::string::npos) << signal << ": " << finished.err;
    EXPECT_NE(sandbox.lra("runs list --status interrupted").out.find("identity"), std::string::npos) << signal;
    EXPECT_TRUE(has_state()) << signal << ": no checkpoint";
  }
}

TEST(Limits, ASignalToTheCellInterruptsIt) {
  const Sandbox sandbox;  // the limit of processor time applies to each process separately
  const Finished finished = sandbox.lra(kLong + "--json", limited("-St 1"));
  const Json cell = cell_of(finished);
  EXPECT_EQ(cell.at("status"), "interrupted") << cell.at("reason");
  EXPECT_NE(cell.at("reason").get<std::string>().find("(ulimit -t)"), std::string::npos) << cell.at("reason");
  EXPECT_EQ(finished.code, 130);
  EXPECT_NE(finished.err.find("1 of 1 cells were interrupted; the same command resumes"), std::string::npos)
      << finished.err;
}

TEST(Limits, ARunUnderNohupIgnoresSighup) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra("run --preset smoke --tasks lookup --models identity --set steps=3000",
                                        "timeout --preserve-status -s HUP 0.5 nohup");
  EXPECT_EQ(finished.code, 0) << finished.err;
}

TEST(Limits, ExplainsAFileSizeLimit) {
  const Sandbox sandbox;
  for (const char* blocks : {"0", "16", "100", "200"}) {
    std::filesystem::remove(sandbox.path("lra.db"));
    const Finished finished = sandbox.lra(kSmall + "--checkpoint 0.001", limited(fmt::format("-f {}", blocks)));
    EXPECT_TRUE(finished.code == 0 || finished.code == 1 || finished.code == 3) << blocks << ": " << finished.code;
    EXPECT_EQ(finished.err.find("signal"), std::string::npos) << blocks << ": " << finished.err;
  }
  EXPECT_EQ(sandbox.lra(kSmall).code, 0);
}

TEST(Limits, APipeNamedLikeACheckpointDoesNotBlock) {
  const Sandbox sandbox;
  const Json cell = cell_of(sandbox.lra(kSmall));
  const std::filesystem::path state = sandbox.path("lra.db-cells");
  std::filesystem::create_directories(state);
  const std::string key = cell.at("key");
  const auto pipe = state / (key + ".safetensors");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ASSERT_EQ(sandbox.lra("runs delete 1").code, 0);
  const Finished finished = sandbox.lra(kSmall, "timeout 60");
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.err.find("it is not a regular file but a pipe"), std::string::npos) << finished.err;
  const Finished imported = sandbox.lra("data import " + (state / (key + ".damaged")).string(), "timeout 60");
  EXPECT_EQ(imported.code, 3) << imported.err;
}

TEST(Limits, ADamagedCheckpointCostsOnlyItsOwnSteps) {
  const Sandbox sandbox;
  const std::string matrix = "run --preset smoke --tasks lookup --models identity --threads 1 --set steps=3000 ";
  std::filesystem::path checkpoint;
  std::error_code none;
  // Until a run is stopped after its first checkpoint.
  for (double seconds = 0.5; checkpoint.empty(); seconds *= 1.5) {
    const Finished stopped = sandbox.lra(matrix, fmt::format("timeout --preserve-status -s TERM {}", seconds));
    ASSERT_NE(stopped.code, 0) << "it was done before it was stopped";
    for (const auto& entry : std::filesystem::directory_iterator(sandbox.path("lra.db-cells"), none))
      if (entry.path().extension() == ".safetensors") checkpoint = entry.path();
  }
  std::filesystem::resize_file(checkpoint, std::filesystem::file_size(checkpoint) / 2);
  const Finished again = sandbox.lra(matrix);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.err.find("set aside as "), std::string::npos) << again.err;
  EXPECT_TRUE(std::filesystem::exists(checkpoint.replace_extension(".damaged")));
}

}  // namespace
}  // namespace lra
