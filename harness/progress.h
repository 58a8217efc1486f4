/// Where a matrix stands, on stderr.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "harness/runner.h"

namespace lra {

/// On a terminal one line that is written over and over; otherwise a plain line every few seconds and one when a cell
/// ends. Colour only on a terminal, and not when NO_COLOR is set (https://no-color.org).
class ProgressDisplay : public MatrixObserver {
 public:
  explicit ProgressDisplay(std::size_t cells);
  ~ProgressDisplay() override;

  void noticed(const std::string& sentence) override;
  void started(const Cell& cell) override;
  void progressed(const Cell& cell, const Progress& progress) override;
  void ended(const Outcome& outcome) override;

 private:
  using Clock = std::chrono::steady_clock;
  void write_over(const std::string& line);
  void write_line(const std::string& line);
  std::string eta(const Progress& progress);

  std::size_t cells_, ended_ = 0;
  bool terminal_, colour_, line_open_ = false;
  Clock::time_point last_line_{};
  const Cell* timed_ = nullptr;  // the cell that the rate of steps was last taken from
  Clock::time_point timed_since_{};
  long timed_from_ = 0;
  double valid_accuracy_ = -1;  // the cell's last
};

}  // namespace lra
