/// Where a bench stands, on stderr.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/bench.h"
#include "harness/status_line.h"

namespace lra {

/// Says what is expected before anything is measured, then what is being measured, for how long, and how much is left;
/// a line that stays when a cell ends.
class BenchProgress : public BenchObserver {
 public:
  /// In a pipe the first line is due when something has lasted for a while.
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
  std::vector<double> expected_, shares_;  // seconds of each cell, and which share of them is done
  std::size_t ended_ = 0;
  std::string doing_ = "making a forecast";
  Clock::time_point start_ = Clock::now(), measuring_since_ = start_;
};

}  // namespace lra
