/// A test fixture with stored results.
#pragma once

#include <sys/stat.h>
#include <sys/wait.h>

#include "results/store/store.h"
#include "tools/lra/program_testing.h"

namespace lra {

inline const std::string kTraining = "run --preset smoke --tasks lookup --models identity --set steps=5 --threads 1 ";

/// A sandbox whose database holds two synthetic finished runs.
class Output : public testing::Test {
 protected:
  Output() {
    ::chmod(box.path(".").c_str(), 0755);
    Store store(box.path("lra.db"));
    for (const char* model : {"linear", "transformer"}) {
      StoredRun run = sample_run(model, 0, 0.4);
      run.history = std::vector<Metric>(200, {1, "valid", "accuracy", 0.4});
      run.test_correctness = std::vector<std::uint8_t>(std::size_t(run.test_examples), 0);
      std::fill_n(run.test_correctness.begin(), run.test_correct, std::uint8_t{1});
      store.add(run, Environment{});
    }
  }

  /// Runs `lra ARGUMENTS REDIRECTIONS`; returns the exit code and stderr.
  Finished shell(const std::string& arguments, const std::string& redirections) const {
    const std::string err = box.path("said");
    const std::string line = "( " + box.program() + arguments + " 2>" + err + " ) " + redirections;
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), "", contents(err)};
  }

  Sandbox box;
};

}  // namespace lra
