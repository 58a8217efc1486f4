/// Measures the time in which this process ran. Excludes pauses, in which it was stopped by a signal, frozen with its
/// container, or on a suspended machine.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace lra {

/// An internal thread does nothing but check the time at short intervals. If it is late by half a second, the whole
/// process was paused.
class RunningClock {
 public:
  /// Throws when the thread cannot be started.
  RunningClock();

  /// Seconds since construction, without pauses.
  double seconds();
  /// Seconds of pauses since construction.
  double paused_seconds();

 private:
  using Clock = std::chrono::steady_clock;
  void watch(const std::stop_token& stop);
  Clock::time_point look();  // returns the current time; requires the mutex

  std::mutex mutex_;
  std::condition_variable_any wake_;
  const Clock::time_point begun_ = Clock::now();
  Clock::time_point last_look_ = begun_;
  double paused_ = 0;
  std::jthread watcher_;  // the last member: joined before the others are destroyed
};

}  // namespace lra
