/// Where a worker's time goes, by layer and op; only while somebody asks.
///
/// Problem: a model's file says what is computed, and should not have to say how that is measured. So no op has a line
/// for it: an op says its name when it is done (`record` in tape.h does it for all), and what has passed in this thread
/// since the last one was done is its own. Without a Profile in the thread an op costs a look at a pointer more.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/tensor/context.h"

namespace lra::inline LRA_ENGINE {

/// What passed between looks at the clock, summed.
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

/// One thread's, while its Context names it; not thread-safe.
class Profile {
 public:
  /// What passed until now belongs to nobody.
  void start();
  /// The ops that follow belong to `layer`.
  void enter(std::string_view layer) { layer_ = layer; }
  /// What passed since the last look belongs to `op`, in the layer entered last.
  void forward(const char* op);
  /// The number of the row that `forward` counted last, for `backward`.
  std::size_t latest() const { return latest_; }
  /// What passed since the last look belongs to this row's derivative.
  void backward(std::size_t row);

  /// In the order in which they first came: that of the forward pass.
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

/// The ops that follow in this thread belong to `layer`, if anybody asks.
inline void enter_layer(std::string_view layer) {
  if (Profile* profile = Context::current().profile) profile->enter(layer);
}

/// Adds what other threads had; rows of the same layer and op become one.
void add_rows(const std::vector<ProfileRow>& more, std::vector<ProfileRow>& rows);

}  // namespace lra::inline LRA_ENGINE
