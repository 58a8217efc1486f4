/// The clock for durations: it runs on when someone sets the time of day.
#pragma once

#include <chrono>

namespace lra {

using Clock = std::chrono::steady_clock;

/// Return the seconds from `start` to now.
inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace lra
