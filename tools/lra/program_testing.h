/// Runs the real program from a test.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/json.h"
#include "results/results_testing.h"

namespace lra {

/// The result of a finished command.
struct Finished {
  int code = -1;
  std::string out, err;
  Json json() const { return Json::parse(out, nullptr, /*allow_exceptions=*/false); }
};

/// An isolated environment for a test. Its folder, which holds the database, is removed in the end.
class Sandbox {
 public:
  explicit Sandbox(std::string program = LRA_PROGRAM) : program_(std::move(program)) {}

  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  /// The shell command up to the program's arguments: it enters the folder, sets the environment and executes the
  /// program. The tests of one process share the cache of prepared data, which is slow to fill.
  std::string program(const std::string& environment = "") const {
    static const TemporaryFolder cache;
    return "cd " + folder_.path().string() +
           " && exec env -u LRA_DB -u LRA_DATA -u OMP_NUM_THREADS NO_COLOR=1 XDG_CACHE_HOME=" + cache.path().string() +
           " " + environment + " " + program_ + " ";
  }

  /// Runs `lra ARGUMENTS` through a shell and waits. The shell executes `before` first, such as "ulimit -f 8; ".
  Finished lra(const std::string& arguments, const std::string& environment = "",
               const std::string& before = "") const {
    const std::string out = path("stdout"), err = path("stderr");
    const int status = std::system((before + program(environment) + arguments + " >" + out + " 2>" + err).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(out), contents(err)};
  }

 private:
  TemporaryFolder folder_;
  std::string program_;
};

}  // namespace lra
