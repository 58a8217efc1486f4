/// Sums the lanes' gradients: one buffer per running lane, added along a tree.
///
/// The tree is a fixed binary tree over lane numbers, so the bits do not depend on which lane finishes first. A
/// finished lane merges with its finished sibling at once and returns its buffer, so that few buffers exist at a time.
/// A sum over several processes would be a change to this class alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "harness/micro_batch_plan.h"

namespace lra {

/// The lanes call `take` and `finish` from their threads.
class GradientReduction {
 public:
  GradientReduction();
  ~GradientReduction();
  GradientReduction(const GradientReduction&) = delete;
  GradientReduction& operator=(const GradientReduction&) = delete;

  /// Prepares a step whose lanes each have a buffer of `gradients` values. Call it before the lanes run.
  void start(const PlanShape& plan, std::size_t gradients, long threads);

  /// Returns a lane's buffer, filled with zeros. Waits while the plan's maximum of buffers is in use. Returns an empty
  /// vector after another lane's allocation failed (which throws std::bad_alloc there), because the sum cannot
  /// complete.
  std::vector<float> take(long lane);

  /// Adds a lane's sum. Must follow each `take`: other lanes may wait for the buffer.
  void finish(long lane, std::vector<float> sum);

  /// The sum over all lanes, once all have finished; valid until the next `start`.
  std::span<const float> sum() const;

  /// Peak bytes of buffers of the size that the last step used.
  std::int64_t peak_bytes() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace lra
