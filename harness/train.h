/// Training one cell, from data to scored test split.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>

#include "datasets/dataset.h"
#include "harness/lane_executor.h"
#include "harness/profile.h"
#include "results/store/record.h"
#include "tasks/task.h"

namespace lra {

/// A cell: all that decides its result.
struct Experiment {
  TaskPlan plan;        // task, preset, data, encoder shape, recipe
  std::string model;    // registered name
  Json model_settings;  // what was asked for; the registry fills in defaults
  std::uint64_t seed = 0;
  long limit = 0;  // use at most so many examples of each split; 0: all
  Json sweep;      // what is tried of each key, {"lr": [3e-4, 1e-3]}, when this is one of several tries; else null
};

/// Where a run keeps its state, so that it can go on after it was cut off.
struct Checkpoints {
  std::filesystem::path file;  // empty: none
  Json experiment;             // canonical: what the state must belong to
};

/// How a cell is run. Nothing of it changes the result.
struct CellOptions {
  long threads = 1;
  bool shared = false;             // other cells run beside it
  bool check_finite = false;       // look at every value and gradient, and name the op of the first bad one
  bool profile = false;            // note where the steps' time goes, by layer and op
  double checkpoint_seconds = 60;  // between two checkpoints
  std::int64_t max_memory = 0;     // bytes that its process may have; 0: no limit

  static void fields(auto& self, auto&& f) {
    f("threads", self.threads), f("shared", self.shared), f("check_finite", self.check_finite);
    f("profile", self.profile), f("checkpoint_seconds", self.checkpoint_seconds), f("max_memory", self.max_memory);
  }
};

/// A cell's options, with what its process adds.
struct Execution : CellOptions {
  Environment environment;  // where it runs: a state goes on only where the same steps give the same bits
  const std::atomic<bool>* stop = nullptr;  // set: abandon the step in progress
  Checkpoints checkpoints;
  std::function<void(const StepProfile&)> profiled;  // with `profile`: told at the end where the steps' time went
  /// Ends the process: called once the state is saved when a step does not come to its end soon after `stop` was set.
  std::function<void()> leave;
};

/// Where a run stands, about twice a second and after each validation.
struct Progress {
  long step = 0, steps = 0;
  double loss = 0, accuracy = 0;  // of the latest training batches
  double valid_accuracy = -1;     // after a validation, else −1
  double examples_per_second = 0;
  double data_share = 0;  // of the steps' time so far, what they waited for their examples
  std::int64_t peak_bytes = 0;
  std::string phase;  // train | valid | test

  static void fields(auto& self, auto&& f) {
    f("step", self.step), f("steps", self.steps), f("loss", self.loss), f("accuracy", self.accuracy);
    f("valid_accuracy", self.valid_accuracy), f("examples_per_second", self.examples_per_second);
    f("data_share", self.data_share), f("peak_bytes", self.peak_bytes), f("phase", self.phase);
  }
};

/// The resolved encoder and model settings: what is stored and hashed. Throws a usage error for a bad setting.
Json resolve_settings(const Experiment& experiment);

/// Trains, validates, selects, scores every test example once. Fills every field but the machine's peak; `seconds` and
/// `shared` are those of earlier processes alone, to which the caller adds its own. Throws Error (kind failed) when a
/// loss of any split, a metric or a parameter is not finite, naming the step and where it can the op. Throws
/// Interrupted when `stop` is set. A run that finds its checkpoint goes on from there, and ends with the same
/// parameters, metrics and predictions as one that was never stopped.
TrainResult train(const Experiment& experiment, const Dataset& data, const Execution& execution,
                  const std::function<void(const Progress&)>& report);

}  // namespace lra
