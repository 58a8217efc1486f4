/// The sum of the lanes' gradients: a buffer for each running lane, and a tree along which they are added.
///
/// Buffers are added along a fixed binary tree over lane numbers, so the bits do not depend on which lane is finished
/// first. A finished lane merges with its finished sibling at once and hands its buffer back, so that few live. Whoever
/// sums over several processes has this to change and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "harness/micro_batch_plan.h"

namespace lra {

/// All but `start` and `sum` are called by the lanes, from their threads.
class GradientReduction {
 public:
  GradientReduction();
  ~GradientReduction();
  GradientReduction(const GradientReduction&) = delete;
  GradientReduction& operator=(const GradientReduction&) = delete;

  /// Before the lanes of a step: so many gradients in each of them.
  void start(const PlanShape& plan, std::size_t gradients, long threads);

  /// A lane's buffer, all zero. Waits while as many are alive as the plan has at most. Empty once another lane could
  /// not have its own (which throws std::bad_alloc there): the sum will never be whole, so nobody waits for it.
  std::vector<float> take(long lane);

  /// What a lane has summed up. Must follow each `take`, or lanes that wait for a buffer wait for ever.
  void finish(long lane, std::vector<float> sum);

  /// That of all lanes once they have finished; valid until the next `start`.
  std::span<const float> sum() const;

  /// Bytes of buffers at their peak, for as many gradients as there were last.
  std::int64_t peak_bytes() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace lra
