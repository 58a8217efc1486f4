/// The execution model: a batch's micro-batches run in lanes, lanes run on worker threads, and neither the number of
/// threads nor their timing changes a bit of the result.
///
/// A lane is a sequence of micro-batches that one thread computes in order, adding to a gradient buffer of the lane's
/// own. micro_batch_plan.h decides which micro-batches form a lane, and gradient_reduction.h sums the lanes' gradients.
/// Shared data have one writer at a time, and sums over examples follow the order of examples.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/gradient_reduction.h"
#include "harness/micro_batch_plan.h"
#include "harness/worker_pool.h"
#include "models/autodiff/profile.h"
#include "models/layers/classifier.h"

namespace lra {

/// How a pass runs. No option changes its result.
struct PassOptions {
  const std::atomic<bool>* stop = nullptr;  // when set, the pass throws Interrupted
  bool check_finite = false;  // in training: throw an Error that names the op at the first value that is not finite
  bool profile = false;       // record the workers' time per op
};

/// Thrown by a pass that was stopped.
struct Interrupted {};

/// The result of one pass over a batch.
struct PassResult {
  std::vector<double> losses;         // per example, in the batch's order
  std::vector<std::uint8_t> correct;  // 1: the label had the largest logit
  double flops = 0;                   // model FLOPs: without recomputation
  double bytes_moved = 0;             // an estimate: see Work in models/tensor/memory.h
  std::int64_t activation_bytes = 0;  // the largest peak of any micro-batch
  std::span<const float> gradients;  // of the mean loss, laid out as the parameters; valid until the next call of train
  /// With `profile`: the time of all workers together, ops in order of the forward pass. A row without a layer is the
  /// lanes' own work ("reduction": zeroing and adding gradient buffers).
  std::vector<ProfileRow> profile;
};

class LaneExecutor {
 public:
  /// Starts a pool of `threads` workers; throws as WorkerPool does.
  explicit LaneExecutor(long threads) : workers_(threads) {}

  WorkerPool& workers() { return workers_; }
  long threads() const { return workers_.threads(); }

  /// Runs forward and backward on a training batch, with the randomness of step `step`.
  PassResult train(const Classifier& model, const MicroBatchPlan& plan, std::uint32_t step,
                   const PassOptions& options = {});

  /// Runs forward only, without dropout.
  PassResult evaluate(const Classifier& model, const MicroBatchPlan& plan, const PassOptions& options = {});

  /// Peak bytes of gradient buffers, for models as large as the one trained last.
  std::int64_t gradient_bytes() const { return reduction_.peak_bytes(); }

 private:
  WorkerPool workers_;
  GradientReduction reduction_;
};

}  // namespace lra
