#include "harness/running_clock.h"

#include <system_error>

#include "core/error.h"

namespace lra {
namespace {

constexpr std::chrono::milliseconds kInterval{50};
constexpr double kShortestPause = 0.5;  // seconds: a busy system alone does not delay a waiting thread this much

}  // namespace

RunningClock::RunningClock() {
  try {
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  } catch (const std::system_error& error) {
    fail("cannot start the thread that watches the clock: {}; raise the limit of processes (ulimit -u)",
         error.code().message());
  }
}

double RunningClock::seconds() {
  const std::lock_guard lock(mutex_);
  const auto now = look();
  return std::chrono::duration<double>(now - begun_).count() - paused_;
}

double RunningClock::paused_seconds() {
  const std::lock_guard lock(mutex_);
  look();
  return paused_;
}

void RunningClock::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, kInterval, [] { return false; });
    look();
  }
}

/// The first call after a pause counts it: another thread may resume before the watcher does.
RunningClock::Clock::time_point RunningClock::look() {
  const auto now = Clock::now();
  const double late = std::chrono::duration<double>(now - last_look_ - kInterval).count();
  if (late >= kShortestPause) paused_ += late;
  last_look_ = now;
  return now;
}

}  // namespace lra
