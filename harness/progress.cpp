#include "harness/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <cmath>

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

namespace lra {
namespace {

constexpr std::chrono::seconds kBetweenPlainLines{5};
constexpr double kShareWorthSaying = 0.01;  // of a step, spent waiting for data

std::string label(const Cell& cell) {
  return fmt::format("{} {} seed {}", cell.experiment.plan.spec.variant, cell.experiment.model, cell.experiment.seed);
}

std::string megabytes(std::int64_t bytes) { return fmt::format("{:.1f} MB", double(bytes) / 1e6); }

std::string duration(double seconds) {
  const long whole = std::lround(seconds);
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

ProgressDisplay::ProgressDisplay(std::size_t cells)
    : cells_(cells), terminal_(isatty(STDERR_FILENO)), colour_(terminal_ && !std::getenv("NO_COLOR")) {}

ProgressDisplay::~ProgressDisplay() {
  if (line_open_) fmt::print(stderr, "\n");
}

void ProgressDisplay::noticed(const std::string& sentence) { write_line(sentence); }

void ProgressDisplay::started(const Cell& cell) {
  timed_ = nullptr;
  last_line_ = Clock::now();
  if (terminal_) write_over(fmt::format("[{}/{}] {}: starting", ended_ + 1, cells_, label(cell)));
}

void ProgressDisplay::progressed(const Cell& cell, const Progress& progress) {
  if (timed_ != &cell) {
    timed_ = &cell;
    timed_since_ = Clock::now();
    timed_from_ = progress.step;
    valid_accuracy_ = -1;
  }
  if (progress.valid_accuracy >= 0) valid_accuracy_ = progress.valid_accuracy;
  if (!terminal_ && Clock::now() - last_line_ < kBetweenPlainLines) return;
  last_line_ = Clock::now();
  std::string line = fmt::format("[{}/{}] {}: {} {}/{}{}", ended_ + 1, cells_, label(cell), progress.phase,
                                 progress.step, progress.steps, eta(progress));
  if (progress.phase != "test")
    line += fmt::format("  loss {:.3f} acc {:.1f} %", progress.loss, 100 * progress.accuracy);
  if (valid_accuracy_ >= 0) line += fmt::format("  valid {:.1f} %", 100 * valid_accuracy_);
  line += fmt::format("  {:.0f} ex/s  {}", progress.examples_per_second, megabytes(progress.peak_bytes));
  if (progress.data_share > kShareWorthSaying) line += fmt::format("  data {:.1f} %", 100 * progress.data_share);
  write_over(line);
}

void ProgressDisplay::ended(const Outcome& outcome) {
  ++ended_;
  const Run& run = outcome.run;
  const std::string head = fmt::format("[{}/{}] {}: ", ended_, cells_, label(outcome.cell));
  const double percent = 100 * accuracy(run);
  if (outcome.skipped) {
    write_line(head + fmt::format("accuracy {:.1f} %, done before", percent));
  } else if (run.status == "done") {
    write_line(head + fmt::format("accuracy {:.1f} %, {:.0f} examples/s, {}, {}", percent, run.examples_per_second,
                                  megabytes(run.peak_bytes), duration(run.seconds)));
  } else {
    const std::string text = fmt::format("{}: {}", run.status, run.reason);
    write_line(head + (colour_ ? "\033[31m" + text + "\033[0m" : text));
  }
}

/// From the steps since the first report, so that start-up does not count.
std::string ProgressDisplay::eta(const Progress& progress) {
  const double elapsed = std::chrono::duration<double>(Clock::now() - timed_since_).count();
  const long steps = progress.step - timed_from_;
  if (steps <= 0 || progress.phase == "test") return {};
  return fmt::format("  eta {}", duration(elapsed / double(steps) * double(progress.steps - progress.step)));
}

void ProgressDisplay::write_over(const std::string& line) {
  if (!terminal_) return write_line(line);
  fmt::print(stderr, "\r\033[K{}", line.substr(0, terminal_width() - 1));
  std::fflush(stderr);
  line_open_ = true;
}

void ProgressDisplay::write_line(const std::string& line) {
  fmt::print(stderr, "{}{}\n", line_open_ ? "\r\033[K" : "", line);
  line_open_ = false;
}

}  // namespace lra
