/// A sequence of commands that tests interrupt at arbitrary points, and what must hold afterwards.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tools/lra/background_testing.h"

namespace lra {

/// A command and the file that it creates or extends.
struct Step {
  std::string command, writes;
  int weight = 1;  // how often it is interrupted, relative to the others
};

/// Whether the file is a database with tables.
bool has_tables(const std::filesystem::path& file);

/// The content of a database that must be the same whenever the same commands produced it: of runs, the experiments and
/// results; of bench measurements, which ones exist. Null if there are no tables.
Json content(const std::filesystem::path& file);

/// Runs a matrix with a checkpoint per training step, an export, a merge and a bench one after another, and keeps the
/// files from before and after each.
class Steps {
 public:
  Steps();
  const std::vector<Step>& list() const { return list_; }
  long milliseconds_of(std::size_t step) const { return milliseconds_.at(step); }

  /// Fills an empty sandbox with the files as they were before a step.
  void set_up(std::size_t step, const Sandbox& sandbox) const;
  std::filesystem::path after(std::size_t step, const std::string& name) const { return kept(step + 1) / name; }

  /// After a step was interrupted: expects every database to be intact, and every file with its final name complete.
  void expect_consistent(std::size_t step, const Sandbox& sandbox) const;
  /// Runs the same command again and expects the result of an uninterrupted run.
  void expect_the_same_end(std::size_t step, const Sandbox& sandbox) const;

 private:
  std::filesystem::path kept(std::size_t step) const { return folder_.path() / std::to_string(step); }
  void keep();

  std::vector<Step> list_;
  Sandbox sandbox_;
  TemporaryFolder folder_;
  std::vector<std::set<std::string>> names_;
  std::vector<long> milliseconds_;
};

}  // namespace lra
