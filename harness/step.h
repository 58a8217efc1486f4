/// What training, bench and forecast do again and again, written once: a training step and an evaluation.
#pragma once

#include <functional>
#include <span>

#include "datasets/dataset.h"
#include "harness/lane_executor.h"
#include "harness/running_clock.h"
#include "models/optim/adam.h"

namespace lra {

/// What a step gave and what it took. Seconds are those of the clock, without pauses of the process.
struct StepResult : PassResult {
  double squared_norm = 0;    // Σ g² over the trained parameters, before clipping
  double seconds = 0;         // the whole step
  double data_seconds = 0;    // of these, until the examples were there
  double update_seconds = 0;  // of these, from the gradients to the new parameters
  double paused_seconds = 0;  // in which the process stood still meanwhile
};

/// Takes the steps of one model. What it is made with must outlive it.
class Stepper {
 public:
  Stepper(LaneExecutor& lanes, Classifier& model, Adam& adam, const Recipe& recipe, RunningClock& clock)
      : lanes_(lanes), model_(model), adam_(adam), recipe_(recipe), clock_(clock) {}

  using Data = std::function<Batch()>;
  /// Called with the batch as it was cut and all but the times, before the parameters change. What it throws ends the
  /// step.
  using Inspect = std::function<void(const MicroBatchPlan&, const StepResult&)>;

  /// Training step `step`, from 0: data, forward and backward, `inspect`, clipping, the optimiser at the learning rate
  /// that the recipe has there. The bits do not depend on the number of threads.
  StepResult train(long step, const Data& data, const PassOptions& options = {}, const Inspect& inspect = {});

  /// Data and forward alone: a step of inference. Needs neither recipe (but its token budget) nor optimiser.
  StepResult infer(const Data& data, const PassOptions& options = {});

 private:
  double start(StepResult& result);
  void end(double started, StepResult& result);
  void update(long step, StepResult& result);

  LaneExecutor& lanes_;
  Classifier& model_;
  Adam& adam_;
  const Recipe& recipe_;
  RunningClock& clock_;
};

/// Examples that are packed at once by `evaluate`; no result depends on it.
inline constexpr long kEvaluationBatch = 256;

/// Passes these examples of the split through the model, without dropout. Losses and hits are in their order.
PassResult evaluate(LaneExecutor& lanes, const Classifier& model, const Dataset& data, Split split,
                    std::span<const std::uint32_t> examples, long token_budget, const PassOptions& options = {});

}  // namespace lra
