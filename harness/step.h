/// A training step and an evaluation, as training, bench and forecast take them.
#pragma once

#include <functional>
#include <span>

#include "datasets/dataset.h"
#include "harness/lane_executor.h"
#include "harness/running_clock.h"
#include "models/optim/adam.h"

namespace lra {

/// The result of a step and its times. Seconds exclude pauses of the process.
struct StepResult : PassResult {
  double squared_norm = 0;    // Σ g² over the trained parameters, before clipping
  double seconds = 0;         // the whole step
  double data_seconds = 0;    // part of it: waiting for the examples
  double update_seconds = 0;  // part of it: from the gradients to the new parameters
  double paused_seconds = 0;  // pauses of the process during the step
};

/// Takes the steps of one model. The constructor's arguments must outlive it.
class Stepper {
 public:
  Stepper(LaneExecutor& lanes, Classifier& model, Adam& adam, const Recipe& recipe, RunningClock& clock)
      : lanes_(lanes), model_(model), adam_(adam), recipe_(recipe), clock_(clock) {}

  using Data = std::function<Batch()>;
  /// Called with the plan and the result without times, before the parameters change. An exception ends the step.
  using Inspect = std::function<void(const MicroBatchPlan&, const StepResult&)>;

  /// Takes training step `step`, counted from 0: data, forward and backward, `inspect`, clipping, and the optimiser at
  /// the recipe's learning rate for that step. The bits do not depend on the number of threads.
  StepResult train(long step, const Data& data, const PassOptions& options = {}, const Inspect& inspect = {});

  /// Takes a step of inference: data and forward. Of recipe and optimiser it uses the token budget only.
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

/// The batch size of `evaluate`; no result depends on it.
inline constexpr long kEvaluationBatch = 256;

/// Evaluates these examples of the split, without dropout. Losses and correctness are in their order.
PassResult evaluate(LaneExecutor& lanes, const Classifier& model, const Dataset& data, Split split,
                    std::span<const std::uint32_t> examples, long token_budget, const PassOptions& options = {});

}  // namespace lra
