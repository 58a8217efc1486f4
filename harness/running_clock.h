/// The time in which this process ran, without that in which it stood still: stopped by a signal, frozen with its
/// container, or on a machine that was paused.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace lra {

/// Watched by a thread that does nothing but look at the clock: when it comes half a second late, nothing of the
/// process ran.
class RunningClock {
 public:
  /// Throws when the thread cannot be started.
  RunningClock();

  /// Since this was made, without pauses.
  double seconds();
  /// The pauses since this was made.
  double paused_seconds();

 private:
  using Clock = std::chrono::steady_clock;
  void watch(const std::stop_token& stop);
  Clock::time_point look();  // now; under the mutex

  std::mutex mutex_;
  std::condition_variable_any wake_;
  const Clock::time_point begun_ = Clock::now();
  Clock::time_point last_look_ = begun_;
  double paused_ = 0;
  std::jthread watcher_;  // the last member: it ends before the others do
};

}  // namespace lra
