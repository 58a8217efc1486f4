/// Running the real program from a test.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "harness/core/json.h"
#include "results/results_testing.h"

namespace lra {

/// AddressSanitizer must be the first library of a process, and its shadow counts as memory.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kSanitised = true;
#else
inline constexpr bool kSanitised = false;
#endif

/// What a command of the program left behind.
struct Finished {
  int code = -1;
  std::string out, err;
  Json json() const { return Json::parse(out, nullptr, /*allow_exceptions=*/false); }
};

/// A place of its own for a test: database, cache and home are in a folder that goes away.
class Sandbox {
 public:
  explicit Sandbox(std::string program = LRA_PROGRAM) : program_(std::move(program)) {}

  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  /// The shell's words before the program's arguments: its folder, its environment and its name. The shell becomes the
  /// program. Prepared data are shared by the tests of this process, because only the first should pay for them.
  std::string program(const std::string& environment = "") const {
    static const TemporaryFolder cache;
    return "cd " + folder_.path().string() +
           " && exec env -u LRA_DB -u LRA_DATA -u OMP_NUM_THREADS NO_COLOR=1 XDG_CACHE_HOME=" + cache.path().string() +
           " " + environment + " " + program_ + " ";
  }

  /// Runs `lra ARGUMENTS`, through a shell, and waits. `before`: what the shell does first, such as "ulimit -f 8; ".
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
