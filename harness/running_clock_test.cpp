#include "harness/running_clock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lra {
namespace {

using namespace std::chrono_literals;

TEST(RunningClock, RunsWithTheProcess) {
  RunningClock clock;
  std::this_thread::sleep_for(700ms);  // longer than the shortest pause: a waiting thread is no stopped process
  EXPECT_GE(clock.seconds(), 0.7);
  EXPECT_EQ(clock.paused_seconds(), 0);
}

TEST(RunningClock, StandsWhileTheProcessIsStopped) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto begun = std::chrono::steady_clock::now();
    RunningClock clock;
    raise(SIGSTOP);
    const double ran = clock.seconds(), paused = clock.paused_seconds();
    const double all = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    _exit(paused > 0.9 && ran < 0.5 && ran + paused <= all ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  std::this_thread::sleep_for(1s);
  kill(child, SIGCONT);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace lra
