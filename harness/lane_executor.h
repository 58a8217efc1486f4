/// The execution model: a batch's micro-batches run in lanes, lanes run on worker threads, and neither the number of
/// threads nor their timing changes a bit of the result.
///
/// A lane is a row of micro-batches that one thread computes alone and in order, with a gradient buffer of its own that
/// it adds to. Which they are is the plan's (micro_batch_plan.h), how their gradients become one the reduction's
/// (gradient_reduction.h). What threads share is written by one of them at a time, and sums over examples are made in
/// the order of examples.
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

/// How a pass runs. Nothing of it changes what the pass gives.
struct PassOptions {
  const std::atomic<bool>* stop = nullptr;  // once set, the pass ends early: it throws Interrupted
  bool check_finite = false;  // in training: throw at the first number that is not finite, and name the op
  bool profile = false;       // note where the workers' time goes
};

/// Thrown by a pass that ended early.
struct Interrupted {};

/// What one pass over a batch gave.
struct PassResult {
  std::vector<double> losses;         // an example, in the batch's order
  std::vector<std::uint8_t> correct;  // 1: the label had the largest logit
  double flops = 0;                   // model FLOPs: without recomputation
  double bytes_moved = 0;             // an estimate: see Work in models/tensor/memory.h
  std::int64_t activation_bytes = 0;  // the largest peak that a micro-batch had
  std::span<const float> gradients;  // of the mean loss, laid out as the parameters; valid until the next call of train
  /// Asked for: what all workers together noted, the ops in order of the forward pass, and without a layer what the
  /// lanes do beside them ("reduction": gradient buffers set to zero and added).
  std::vector<ProfileRow> profile;
};

class LaneExecutor {
 public:
  /// With a pool of so many workers; throws as that does.
  explicit LaneExecutor(long threads) : workers_(threads) {}

  WorkerPool& workers() { return workers_; }
  long threads() const { return workers_.threads(); }

  /// Forward and backward of a training batch, with the randomness of step `step`.
  PassResult train(const Classifier& model, const MicroBatchPlan& plan, std::uint32_t step,
                   const PassOptions& options = {});

  /// Forward only, without dropout.
  PassResult evaluate(const Classifier& model, const MicroBatchPlan& plan, const PassOptions& options = {});

  /// Bytes of gradient buffers at their peak, for models as large as the one trained last.
  std::int64_t gradient_bytes() const { return reduction_.peak_bytes(); }

 private:
  WorkerPool workers_;
  GradientReduction reduction_;
};

}  // namespace lra
