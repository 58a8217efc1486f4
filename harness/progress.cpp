#include "harness/progress.h"

#include <fmt/format.h>

#include "core/text.h"

namespace lra {
namespace {

constexpr double kShareWorthSaying = 0.01;  // of a step, spent waiting for data; a smaller share is not shown

std::string label(const Cell& cell) {
  return shown_on_a_line(
      fmt::format("{} {} seed {}", cell.experiment.plan.spec.variant, cell.experiment.model, cell.experiment.seed));
}

std::string megabytes(std::int64_t bytes) { return fmt::format("{:.1f} MB", double(bytes) / 1e6); }

}  // namespace

void ProgressDisplay::noticed(const std::string& sentence) { line_.say(shown_on_a_line(sentence)); }

void ProgressDisplay::started(const Cell& cell) {
  timed_ = nullptr;
  line_.restart();
  if (line_.on_terminal()) line_.show(fmt::format("[{}/{}] {}: starting", ended_ + 1, cells_, label(cell)));
}

void ProgressDisplay::progressed(const Cell& cell, const Progress& progress) {
  if (timed_ != &cell) {
    timed_ = &cell;
    timed_since_ = Clock::now();
    timed_from_ = progress.step;
    valid_accuracy_ = -1;
  }
  if (progress.valid_accuracy >= 0) valid_accuracy_ = progress.valid_accuracy;
  if (!line_.is_due()) return;
  std::string line = fmt::format("[{}/{}] {}: {} {}/{}{}", ended_ + 1, cells_, label(cell), progress.phase,
                                 progress.step, progress.steps, eta(progress));
  if (progress.phase != "test")
    line += fmt::format("  loss {:.3f} acc {:.1f} %", progress.loss, 100 * progress.accuracy);
  if (valid_accuracy_ >= 0) line += fmt::format("  valid {:.1f} %", 100 * valid_accuracy_);
  line += fmt::format("  {:.0f} ex/s  {}", progress.examples_per_second, megabytes(progress.peak_bytes));
  if (progress.data_share > kShareWorthSaying) line += fmt::format("  data {:.1f} %", 100 * progress.data_share);
  line_.show(line);
}

void ProgressDisplay::ended(const Outcome& outcome) {
  ++ended_;
  const StoredRun& run = outcome.run;
  const std::string head = fmt::format("[{}/{}] {}: ", ended_, cells_, label(outcome.cell));
  const double percent = 100 * accuracy(run);
  if (outcome.skipped) {
    line_.say(head + fmt::format("accuracy {:.1f} %, done before", percent));
  } else if (run.status == "done") {
    line_.say(head + fmt::format("accuracy {:.1f} %, {:.0f} examples/s, {}, {}", percent, run.examples_per_second,
                                 megabytes(run.peak_bytes), clock_time(run.seconds)));
  } else {
    const std::string text = shown_on_a_line(fmt::format("{}: {}", run.status, run.reason));
    line_.say(head + (line_.colour() ? "\033[31m" + text + "\033[0m" : text));
  }
}

/// Computed from the steps since the first report, so that start-up does not count.
std::string ProgressDisplay::eta(const Progress& progress) {
  const double elapsed = std::chrono::duration<double>(Clock::now() - timed_since_).count();
  const long steps = progress.step - timed_from_;
  if (steps <= 0 || progress.phase == "test") return {};
  return fmt::format("  eta {}", clock_time(elapsed / double(steps) * double(progress.steps - progress.step)));
}

}  // namespace lra
