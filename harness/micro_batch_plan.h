/// The plan of a batch: its division into micro-batches, and which of them can run at the same time.
///
/// A batch is cut into micro-batches, which are assigned to at most 64 lanes, consecutive ones to the same lane. The
/// plan is a function of the batch and the token budget only, so the bits of a result do not depend on the number of
/// threads. lane_executor.h defines a lane.
#pragma once

#include <utility>
#include <vector>

#include "tasks/batcher.h"

namespace lra {

inline constexpr long kMostLanes = 64;

/// The sizes of a plan that estimates of memory and time need.
struct PlanShape {
  long micro_batches = 0;
  long examples_at_once = 0;  // the largest micro-batch

  long lanes() const;
  /// The maximum number of micro-batches computed at the same time.
  long running(long threads) const;
  /// The maximum number of gradient buffers at the same time: one per running lane, and those that the reduction keeps
  /// while it waits for the next lane.
  long gradient_buffers(long threads) const;
};

/// The shape of a batch whose examples all have `tokens` tokens, both sequences of a pair together.
PlanShape plan_shape(long examples, long tokens, long token_budget);

struct MicroBatchPlan {
  std::vector<MicroBatch> micro_batches;  // with the positions of their examples in the batch
  long examples = 0;                      // of the batch

  PlanShape shape() const;
  /// The range [first, last) of a lane's micro-batches; lanes differ by at most one.
  std::pair<long, long> of_lane(long lane) const;
};

/// Plans a batch, which `cut` (tasks/batcher.h) divides into micro-batches.
MicroBatchPlan plan_micro_batches(const Batch& batch, long token_budget);

}  // namespace lra
