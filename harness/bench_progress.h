/// Shows the progress of a bench on stderr.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/bench.h"
#include "harness/status_line.h"

namespace lra {

/// Prints the forecast before anything is measured; then shows the current measurement with the elapsed and the
/// remaining time, and prints a permanent line when a cell ends.
class BenchProgress : public BenchObserver {
 public:
  /// Without a terminal, the first line is due only after the usual interval.
  BenchProgress() { line_.restart(); }
  void expected(const std::vector<BenchCell>& cells) override;
  void progressed(const BenchCell& cell, const std::string& doing, double share) override;
  void waited() override;
  void ended(const BenchCell& cell) override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string times() const;

  StatusLine line_;
  const BenchCell* cells_ = nullptr;
  std::vector<double> expected_, shares_;  // per cell: the forecast seconds and the share of them that is done
  std::size_t ended_ = 0;
  std::string doing_ = "making a forecast";
  Clock::time_point start_ = Clock::now(), measuring_since_ = start_;
};

}  // namespace lra
