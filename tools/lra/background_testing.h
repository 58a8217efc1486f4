/// Runs the real program in the background, so that tests can stop it and examine what it leaves behind.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include "results/store/database.h"
#include "tools/lra/program_testing.h"

namespace lra {

/// The parts of each cell's result that must be identical whenever the same experiment runs.
inline Json bits(const Finished& finished) {
  Json all = Json::array();
  for (const Json& cell : finished.json())
    all.push_back({cell.at("key"), cell.at("status"), cell.at("parameter_digest"), cell.at("accuracy"),
                   cell.at("test_loss"), cell.at("history")});
  return all;
}

/// The program running in the background, with its output in files of the sandbox.
class Background {
 public:
  Background(const Sandbox& sandbox, const std::string& arguments, const std::string& name = "background") {
    const std::string line = sandbox.program() + arguments + " >" + sandbox.path(name).string() + ".out 2>" +
                             sandbox.path(name).string() + ".err";
    const char* words[] = {"/bin/sh", "-c", line.c_str(), nullptr};
    if (posix_spawn(&process_, words[0], nullptr, nullptr, const_cast<char**>(words), environ) != 0)
      fail("cannot start {}", line);
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background() {
    if (process_ > 0) kill(process_, SIGKILL), wait();
  }

  void send(int signal) const { kill(process_, signal); }
  bool running() const {
    siginfo_t info{};
    return waitid(P_PID, id_t(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
  }
  /// Waits for the end; returns the exit code, or 128 plus the signal.
  int wait() {
    int status = 0;
    waitpid(std::exchange(process_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// The processes of its cells, those that are alive. It may have other children: in a build with sanitizers, the
  /// search for leaks at its end is one, and the program waits for ever for one that was killed.
  std::vector<pid_t> cells() const {
    std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", process_));
    std::vector<pid_t> all{std::istream_iterator<pid_t>(file), {}};
    std::erase_if(all, [](pid_t child) {
      return !contents(fmt::format("/proc/{}/cmdline", child)).starts_with(std::string("/proc/self/exe\0cell", 19));
    });
    return all;
  }

 private:
  pid_t process_ = -1;
};

/// The first line of SQLite's integrity check, "ok" for an intact database.
inline std::string integrity(const Sandbox& sandbox, const std::string& name = "lra.db") {
  const Database database(sandbox.path(name), Database::Open::existing);
  Statement answer = database.query("PRAGMA integrity_check");
  return answer.next() ? answer.get<std::string>(0) : "";
}

}  // namespace lra
