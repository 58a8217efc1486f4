/// Shows the progress of a matrix on stderr.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "harness/runner.h"
#include "harness/status_line.h"

namespace lra {

/// Shows the running cell on a status line and prints a permanent line when a cell ends.
class ProgressDisplay : public MatrixObserver {
 public:
  explicit ProgressDisplay(std::size_t cells) : cells_(cells) {}

  void noticed(const std::string& sentence) override;
  void started(const Cell& cell) override;
  void progressed(const Cell& cell, const Progress& progress) override;
  void ended(const Outcome& outcome) override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string eta(const Progress& progress);

  std::size_t cells_, ended_ = 0;
  StatusLine line_;
  const Cell* timed_ = nullptr;  // the cell whose rate of steps is being measured
  Clock::time_point timed_since_{};
  long timed_from_ = 0;
  double valid_accuracy_ = -1;  // the cell's latest
};

}  // namespace lra
