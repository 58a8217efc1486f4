/// One line on stderr that says where something stands.
#pragma once

#include <chrono>
#include <string>

namespace lra {

/// On a terminal a line that is written over and over; otherwise a plain line every few seconds, without escapes.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool on_terminal() const { return terminal_; }
  /// Colour only on a terminal, and not when NO_COLOR is set (https://no-color.org).
  bool colour() const { return colour_; }

  /// Whether what is shown now would be seen.
  bool is_due() const;
  /// Of something that has just begun the first plain line is due after the usual time.
  void restart() { last_ = Clock::now(); }
  /// The state of this moment, when it is due.
  void show(const std::string& line);
  /// A line that stays.
  void say(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_, colour_, open_ = false;
  Clock::time_point last_{};
};

/// Seconds as "1:05" or "2:00:00".
std::string clock_time(double seconds);

}  // namespace lra
