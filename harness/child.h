/// A process of our own that is handed a request and answers with lines.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lra {

/// What a process gets beside its arguments.
struct Inheritance {
  int claim = -1;             // a descriptor that it holds as long as it lives
  std::filesystem::path log;  // where its stderr goes; empty: to ours
};

/// Started by posix_spawn, never by a bare fork: a fork after OpenMP was used can hang. The request is its stdin, its
/// stdout is ours to ignore. Not thread-safe. Destroying it kills the process when it still runs.
class Child {
 public:
  /// `command` is a program and its arguments. Throws when it cannot be started.
  Child(const std::vector<std::string>& command, const std::string& request, const Inheritance& inheritance = {});
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// To be polled for reading; −1 once the process has closed it.
  int descriptor() const { return answers_; }
  /// The complete lines that have arrived; does not wait. A last line without an end counts as one when the pipe
  /// closes.
  std::vector<std::string> read_lines();

  void send_signal(int signal) const;
  /// Waits for the end. "" for exit code 0, otherwise how it ended: "exit code 7", "signal 11 (Segmentation fault)".
  std::string wait();
  /// What it took of the CPUs, all threads together; 0 before it was waited for.
  double cpu_seconds() const { return cpu_seconds_; }

 private:
  pid_t process_ = -1;
  double cpu_seconds_ = 0;
  int answers_ = -1;
  std::string partial_;
};

}  // namespace lra
