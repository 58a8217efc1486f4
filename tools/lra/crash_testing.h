/// A sequence of commands that may be cut off anywhere, and what must hold then.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tools/lra/background_testing.h"

namespace lra {

/// A command and the one file that it makes or adds to.
struct Step {
  std::string command, writes;
  int weight = 1;  // how often it is cut off, against the others
};

/// Whether there is a database whose tables have been made.
bool has_tables(const std::filesystem::path& file);

/// What of a database must be the same whenever the same commands made it: of its runs everything that decides or was
/// decided, of its bench figures which there are. Without tables nothing.
Json content(const std::filesystem::path& file);

/// Runs a matrix that keeps a checkpoint per step, exports, merges and benches, one after another, and keeps the files
/// that were there before and after each.
class Steps {
 public:
  Steps();
  const std::vector<Step>& list() const { return list_; }
  long milliseconds_of(std::size_t step) const { return milliseconds_.at(step); }

  /// Into an empty sandbox: everything as it is before a step.
  void set_up(std::size_t step, const Sandbox& sandbox) const;
  std::filesystem::path after(std::size_t step, const std::string& name) const { return kept(step + 1) / name; }

  /// After a step was cut off: every database is sound, and what goes by its final name is whole.
  void expect_sound(std::size_t step, const Sandbox& sandbox) const;
  /// Runs the same command again: what is there then is as if nothing had happened.
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
