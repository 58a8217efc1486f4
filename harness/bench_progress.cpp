#include "harness/bench_progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/clock.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

std::string model_at_length(const BenchCell& cell) { return fmt::format("{} N {}", cell.model, cell.length); }

std::string result(const BenchCell& cell) {
  if (cell.status == BenchCell::Status::failed) return "failed: " + cell.reason;
  if (cell.status == BenchCell::Status::refused) return cell.reason;
  const auto median = std::find_if(cell.figures.begin(), cell.figures.end(),
                                   [](const Measurement& figure) { return figure.metric == "median_ms"; });
  return fmt::format("{:.1f} ms per step", median->value);
}

}  // namespace

void BenchProgress::expected(const std::vector<BenchCell>& cells) {
  cells_ = cells.data();
  shares_.assign(cells.size(), 0);
  double seconds = 0;
  std::int64_t bytes = 0;
  long unknown = 0;
  for (const BenchCell& cell : cells) {
    expected_.push_back(cell.forecast ? cell.forecast->seconds : 0);
    seconds += expected_.back();
    if (cell.forecast) bytes = std::max(bytes, cell.forecast->bytes);
    unknown += !cell.forecast;
  }
  line_.say(fmt::format("{} cell{}: about {}, at most about {} of memory at a time{}", cells.size(),
                        cells.size() == 1 ? "" : "s", human_seconds(seconds), human_bytes(bytes),
                        unknown ? fmt::format("; without {} whose cost cannot be forecast", unknown) : ""));
  measuring_since_ = Clock::now();
}

void BenchProgress::progressed(const BenchCell& cell, const std::string& doing, double share) {
  double& done = shares_.at(std::size_t(&cell - cells_));
  done = std::max(done, share);
  doing_ = fmt::format("{}: {}", model_at_length(cell), doing);
  waited();
}

void BenchProgress::waited() {
  if (!line_.is_due()) return;
  if (!cells_) return line_.show(fmt::format("{}, {} elapsed", doing_, clock_time(seconds_since(start_))));
  line_.show(fmt::format("[{}/{}] {}, {}", ended_ + 1, shares_.size(), doing_, times()));
}

void BenchProgress::ended(const BenchCell& cell) {
  shares_.at(std::size_t(&cell - cells_)) = 1;
  line_.say(fmt::format("[{}/{}] {}: {}, {}", ++ended_, shares_.size(), model_at_length(cell), result(cell), times()));
}

/// The elapsed and the remaining time: the forecast, corrected by its accuracy so far.
std::string BenchProgress::times() const {
  double all = 0, done = 0;
  for (std::size_t i = 0; i < shares_.size(); ++i) all += expected_[i], done += shares_[i] * expected_[i];
  constexpr double kEnoughToTell = 0.05;
  const double rate = done > kEnoughToTell * all ? seconds_since(measuring_since_) / done : 1;
  return fmt::format("{} elapsed, about {} left", clock_time(seconds_since(start_)), clock_time((all - done) * rate));
}

}  // namespace lra
