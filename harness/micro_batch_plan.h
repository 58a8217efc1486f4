/// How a batch is computed: which pieces it is cut into, and which of them can run at the same time.
///
/// A batch is cut into micro-batches, and these are dealt to at most 64 lanes, consecutive ones to the same lane. The
/// plan is a function of the batch and the token budget only, so the bits of a result do not depend on the number of
/// threads. What a lane does is said in lane_executor.h.
#pragma once

#include <utility>
#include <vector>

#include "tasks/batcher.h"

namespace lra {

inline constexpr long kMostLanes = 64;

/// How much of a plan there is and how much of it is alive at once: what estimates of memory and time need.
struct PlanShape {
  long micro_batches = 0;
  long examples_at_once = 0;  // of a micro-batch, at most

  long lanes() const;
  /// Micro-batches that are computed at the same time, at most.
  long running(long threads) const;
  /// Gradient buffers alive at the same time, at most: one for each running lane, and what the reduction keeps while it
  /// waits for the next lane.
  long gradient_buffers(long threads) const;
};

/// That of a batch of examples that all have so many tokens, both sequences of a pair together.
PlanShape plan_shape(long examples, long tokens, long token_budget);

struct MicroBatchPlan {
  std::vector<MicroBatch> micro_batches;  // with the positions of their examples in the batch
  long examples = 0;                      // of the batch

  PlanShape shape() const;
  /// The first of a lane's micro-batches and the one after its last: as even as can be.
  std::pair<long, long> of_lane(long lane) const;
};

/// Cuts a batch as `cut` of tasks/batcher.h does.
MicroBatchPlan plan_micro_batches(const Batch& batch, long token_budget);

}  // namespace lra
