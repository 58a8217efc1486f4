#include "harness/micro_batch_plan.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace lra {

long PlanShape::lanes() const { return std::min(kMostLanes, micro_batches); }

long PlanShape::running(long threads) const { return std::min(threads, lanes()); }

/// When the first k lanes are done, the tree of the reduction holds one buffer for each set bit of k < lanes.
long PlanShape::gradient_buffers(long threads) const {
  const long waiting = std::bit_width(std::uint64_t(lanes())) - 1;  // log2, rounded down
  return std::min(lanes(), threads + waiting);
}

PlanShape plan_shape(long examples, long tokens, long token_budget) {
  const long at_once = std::clamp(token_budget / std::max(1L, tokens), 1L, std::max(1L, examples));
  return {(examples + at_once - 1) / at_once, at_once};
}

PlanShape MicroBatchPlan::shape() const {
  PlanShape shape{long(micro_batches.size()), 0};
  for (const MicroBatch& piece : micro_batches)
    shape.examples_at_once = std::max(shape.examples_at_once, long(piece.positions.size()));
  return shape;
}

std::pair<long, long> MicroBatchPlan::of_lane(long lane) const {
  const long lanes = shape().lanes(), count = long(micro_batches.size());
  return {lane * count / lanes, (lane + 1) * count / lanes};
}

MicroBatchPlan plan_micro_batches(const Batch& batch, long token_budget) {
  return {cut(batch, token_budget), batch.size()};
}

}  // namespace lra
