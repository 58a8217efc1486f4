/// A line on stderr that shows progress.
#pragma once

#include <chrono>
#include <string>

namespace lra {

/// On a terminal, a line that is overwritten in place; otherwise a plain line every few seconds, without escape
/// sequences.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool on_terminal() const { return terminal_; }
  /// True on a terminal, unless NO_COLOR is set (https://no-color.org).
  bool colour() const { return colour_; }

  /// Would show() print now?
  bool is_due() const;
  /// Restarts the interval between plain lines, so that the next one is due after the usual time.
  void restart() { last_ = Clock::now(); }
  /// Prints the current state, if it is due.
  void show(const std::string& line);
  /// Prints a permanent line.
  void say(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_, colour_, open_ = false;
  Clock::time_point last_{};
};

/// Seconds as "1:05" or "2:00:00".
std::string clock_time(double seconds);

}  // namespace lra
