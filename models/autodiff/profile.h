/// Measures where a worker's time goes, by layer and op, on request.
///
/// Ops contain no code for it: `record` in tape.h reports the name of each op when it is done, and the time since the
/// previous report counts as that op's time. Without a Profile in the thread an op only tests one more pointer.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/tensor/context.h"

namespace lra::inline LRA_ENGINE {

/// Cost summed over the intervals between reports.
struct Spent {
  long calls = 0;
  double seconds = 0;
  double flops = 0, bytes = 0;  // see Work
  Spent& operator+=(const Spent& other);
};

/// One op in one layer.
struct ProfileRow {
  std::string layer, op;
  Spent forward, backward;
};

/// The profile of one thread, active while the thread's Context points to it. Not thread-safe.
class Profile {
 public:
  /// Starts the first interval: what passed until now is not counted.
  void start();
  /// Counts the following ops under `layer`.
  void enter(std::string_view layer) { layer_ = layer; }
  /// Counts the interval since the last report as the forward pass of `op` in the current layer.
  void forward(const char* op);
  /// Returns the row that `forward` counted last, for `backward`.
  std::size_t latest() const { return latest_; }
  /// Counts the interval since the last report as the backward pass of `row`.
  void backward(std::size_t row);

  /// Rows in the order of the forward pass.
  const std::vector<ProfileRow>& rows() const { return rows_; }

 private:
  void count(Spent& spent);

  std::string layer_;
  std::vector<ProfileRow> rows_;
  std::map<std::pair<std::string, std::string>, std::size_t> places_;  // (layer, op) → row
  std::size_t latest_ = 0;
  std::chrono::steady_clock::time_point since_{};
  Work before_;
};

/// Counts the following ops of this thread under `layer`, if it has a profile.
inline void enter_layer(std::string_view layer) {
  if (Profile* profile = Context::current().profile) profile->enter(layer);
}

/// Adds the rows of another thread; rows of the same layer and op are merged.
void add_rows(const std::vector<ProfileRow>& more, std::vector<ProfileRow>& rows);

}  // namespace lra::inline LRA_ENGINE
