/// A child process that receives a request and answers with lines.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lra {

/// What a child process inherits besides its arguments.
struct Inheritance {
  int claim = -1;             // a descriptor that the child keeps open as long as it lives; −1: none
  std::filesystem::path log;  // file for the child's stderr; empty: the parent's stderr
};

/// Started by posix_spawn, never by a bare fork: a fork after OpenMP was used can hang. The child reads the request
/// from stdin and answers on kAnswerDescriptor; its stdout is discarded. Not thread-safe. The destructor kills the
/// process if it still runs.
class Child {
 public:
  /// `command` is a program and its arguments. Throws when it cannot be started.
  Child(const std::vector<std::string>& command, const std::string& request, const Inheritance& inheritance = {});
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The descriptor to poll for answers; −1 once the process has closed it.
  int descriptor() const { return answers_; }
  /// Returns the complete lines that have arrived, without waiting. When the pipe closes, a last line without a newline
  /// counts too.
  std::vector<std::string> read_lines();

  void send_signal(int signal) const;
  /// Waits until the process ends. Returns "" for exit code 0, otherwise how it ended: "exit code 7", "signal 11
  /// (Segmentation fault)".
  std::string wait();
  /// CPU seconds of all its threads together; 0 before wait().
  double cpu_seconds() const { return cpu_seconds_; }

 private:
  pid_t process_ = -1;
  double cpu_seconds_ = 0;
  int answers_ = -1;
  std::string partial_;
};

}  // namespace lra
