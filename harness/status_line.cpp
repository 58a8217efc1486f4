#include "harness/status_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace lra {
namespace {

constexpr std::chrono::seconds kBetweenPlainLines{5};

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

StatusLine::StatusLine() : terminal_(isatty(STDERR_FILENO)), colour_(terminal_ && !std::getenv("NO_COLOR")) {}

StatusLine::~StatusLine() {
  if (open_) fmt::print(stderr, "\n");
}

bool StatusLine::is_due() const { return terminal_ || Clock::now() - last_ >= kBetweenPlainLines; }

void StatusLine::show(const std::string& line) {
  if (!is_due()) return;
  restart();
  if (!terminal_) return say(line);
  fmt::print(stderr, "\r\033[K{}", line.substr(0, terminal_width() - 1));
  std::fflush(stderr);
  open_ = true;
}

void StatusLine::say(const std::string& line) {
  fmt::print(stderr, "{}{}\n", open_ ? "\r\033[K" : "", line);
  open_ = false;
}

std::string clock_time(double seconds) {
  const long whole = std::lround(seconds);
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace lra
