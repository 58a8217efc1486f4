// What the real program promises when it is stopped, killed, short of space or not alone.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "harness/core/random.h"
#include "results/database.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// AddressSanitizer must be the first library of a process, and its shadow counts as memory.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kSanitised = true;
#else
constexpr bool kSanitised = false;
#endif

const std::string kMatrix =
    "run --preset smoke --tasks lookup --models transformer,linear,identity --checkpoint 0.001 --json --set steps=40 ";

/// What of a cell must be the same whenever the same experiment is run.
Json bits(const Finished& finished) {
  Json all = Json::array();
  for (const Json& cell : finished.json())
    all.push_back({cell.at("run"), cell.at("status"), cell.at("parameter_digest"), cell.at("accuracy"),
                   cell.at("test_loss"), cell.at("history")});
  return all;
}

/// The program in the background, its output in the sandbox's files.
class Background {
 public:
  Background(const Sandbox& sandbox, const std::string& arguments, const std::string& name = "background") {
    const std::string line = sandbox.program() + arguments + " >" + sandbox.path(name).string() + ".out 2>" +
                             sandbox.path(name).string() + ".err";
    const char* words[] = {"/bin/sh", "-c", line.c_str(), nullptr};
    if (posix_spawn(&process_, words[0], nullptr, nullptr, const_cast<char**>(words), environ) != 0)
      fail("cannot start {}", line);
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background() {
    if (process_ > 0) kill(process_, SIGKILL), wait();
  }

  void send(int signal) const { kill(process_, signal); }
  bool running() const {
    siginfo_t info{};
    return waitid(P_PID, id_t(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
  }
  /// The exit code, or 128 + the signal.
  int wait() {
    int status = 0;
    waitpid(std::exchange(process_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// The processes that it started and that are alive.
  std::vector<pid_t> children() const {
    std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", process_));
    return {std::istream_iterator<pid_t>(file), {}};
  }

 private:
  pid_t process_ = -1;
};

std::string integrity(const Sandbox& sandbox) {
  const Database database(sandbox.path("lra.db"), Database::Open::existing);
  Statement answer = database.query("PRAGMA integrity_check");
  return answer.next() ? answer.get<std::string>(0) : "";
}

/// At a moment drawn at random, kills the parent alone or the cell that is running alone; false when the matrix ended
/// before.
bool kill_once(const Sandbox& sandbox, bool parent, milliseconds moment) {
  Background program(sandbox, kMatrix);
  std::this_thread::sleep_for(moment);
  std::vector<pid_t> victims;
  while (victims.empty() && program.running()) victims = program.children();
  if (!program.running()) return false;
  if (parent)
    program.send(SIGKILL);
  else
    kill(victims.front(), SIGKILL);
  return program.wait() != 0;
}

void kill_and_resume(int kills) {
  const Sandbox reference, sandbox;
  (void)reference.lra(kMatrix + "--db first.db");  // prepares the data
  const auto start = Clock::now();
  const Finished whole = reference.lra(kMatrix);
  ASSERT_EQ(whole.code, 0) << whole.err;
  const auto length = std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
  const Random random(1, "test", "kills");
  int killed[] = {0, 0}, missed = 0;  // cells, parents
  for (int i = 0; killed[0] + killed[1] < kills && missed < 3 * kills; ++i) {
    const bool parent = killed[1] < killed[0];
    std::filesystem::remove(sandbox.path("lra.db"));
    if (!kill_once(sandbox, parent, milliseconds(random.below(std::uint32_t(length), std::uint32_t(i))))) {
      ++missed;
      continue;
    }
    ++killed[parent];
    if (std::filesystem::exists(sandbox.path("lra.db"))) {
      ASSERT_EQ(integrity(sandbox), "ok") << "after kill " << i;
    }
    const Finished resumed = sandbox.lra(kMatrix);
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    ASSERT_EQ(bits(resumed), bits(whole)) << "after kill " << i;
    ASSERT_EQ(integrity(sandbox), "ok");
  }
  EXPECT_EQ(killed[0] + killed[1], kills);
  fmt::print("{} times killed: {} parents, {} cells ({} more matrices ended before); 0 cells lost, 0 bits differ\n",
             kills, killed[1], killed[0], missed);
}

TEST(Crash, KilledTwiceLosesNothing) { kill_and_resume(2); }

TEST(SlowCrash, KilledTwoHundredTimesLosesNothing) { kill_and_resume(200); }

TEST(Crash, AnInterruptIsAnsweredWithinTwoSecondsAndResumed) {
  const Sandbox sandbox, reference;
  const std::string matrix = fmt::format(
      "run --preset smoke --tasks lookup --models transformer --json --set steps={} ", kSanitised ? 500 : 3000);
  const Finished whole = reference.lra(matrix);
  ASSERT_EQ(whole.code, 0) << whole.err;
  for (const int signal : {SIGINT, SIGTERM}) {
    Background program(sandbox, matrix);
    while (program.running() && program.children().empty()) std::this_thread::sleep_for(milliseconds(5));
    std::this_thread::sleep_for(milliseconds(300));
    const auto start = Clock::now();
    program.send(signal);
    EXPECT_EQ(program.wait(), 130) << contents(sandbox.path("background.err"));
    EXPECT_LT(Clock::now() - start, milliseconds(2000));
  }
  const auto folder = sandbox.path("lra.db-cells");
  EXPECT_FALSE(std::filesystem::is_empty(folder)) << "the state of the interrupted cell";
  const Finished resumed = sandbox.lra(matrix);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(bits(resumed), bits(whole));
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "nothing is left behind by a cell that is done";
}

// One micro-batch of 16,384 tokens takes seconds; nobody waits for it.
TEST(Crash, AnInterruptDoesNotWaitForALongMicroBatch) {
  const Sandbox sandbox;
  Background program(sandbox,
                     "run --preset smoke --tasks listops --models transformer --set token_budget=1000000 "
                     "--set batch=60000 --set width=64 --set qkv=64 --threads 1");
  while (program.running() && program.children().empty()) std::this_thread::sleep_for(milliseconds(5));
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

/// The write with this number fails as on a full disk, and those after it until `count` have.
struct Fault {
  int at, count;
};

std::vector<Fault> faults_from(int first, int last, int stride) {
  std::vector<Fault> all;
  for (int at = first; at <= last; at += stride) all.push_back({at, at % 2 ? 1 : 1000});
  return all;
}

/// Anywhere in a run, for any time.
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

/// After each fault there is room again.
void fill_the_disk(const std::vector<Fault>& faults) {
  if (kSanitised) GTEST_SKIP() << "nothing can be preloaded before AddressSanitizer";
  const std::string matrix =
      "run --preset smoke --tasks lookup --models identity --set steps=20 --checkpoint 0.001 --threads 1 --json";
  const Sandbox reference;
  const Json expected = bits(reference.lra(matrix));
  int failed = 0;
  for (const auto& [at, count] : faults) {
    const Sandbox sandbox;
    const std::string fault = fmt::format("LD_PRELOAD={} LRA_FAULT_AT={} LRA_FAULT_COUNT={} XDG_CACHE_HOME={}",
                                          LRA_FAULTS, at, count, sandbox.path("cache").string());
    const Finished full = sandbox.lra(matrix, fault);
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

TEST(Crash, AFullDiskLosesNothing) { fill_the_disk(faults_from(1, 100, 13)); }

TEST(SlowCrash, AnyOfTheFirst300WritesMayFail) { fill_the_disk(faults_from(1, 300, 1)); }

TEST(SlowCrash, AnyWritesMayFailAtRandom) { fill_the_disk(faults_at_random(100)); }

TEST(Crash, ACellThatTakesTooLongFailsAlone) {
  const Sandbox sandbox;
  const Finished slow =
      sandbox.lra("run --preset smoke --tasks lookup --models transformer --set steps=100000 --max-time 1s --json");
  ASSERT_EQ(slow.code, 1) << slow.err;
  EXPECT_NE(slow.json().at(0).at("reason").get<std::string>().find("--max-time"), std::string::npos);
}

TEST(Crash, ACellThatTakesTooMuchFailsAlone) {
  if (kSanitised) GTEST_SKIP() << "AddressSanitizer's shadow is more than any limit";
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
