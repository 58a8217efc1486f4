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

/// A cell: everything that determines its result.
struct Experiment {
  TaskPlan plan;        // task, preset, data, encoder shape, recipe
  std::string model;    // registered name
  Json model_settings;  // as requested; the registry adds the defaults
  std::uint64_t seed = 0;
  long limit = 0;  // use at most so many examples of each split; 0: all
  Json sweep;      // values per key, {"lr": [3e-4, 1e-3]}, if the cell is part of a sweep; else null
};

/// The checkpoint from which an interrupted run resumes.
struct Checkpoints {
  std::filesystem::path file;  // empty: none
  Json experiment;             // canonical form; a checkpoint of another experiment is refused
};

/// How a cell runs. No option changes its result.
struct CellOptions {
  long threads = 1;
  bool shared = false;        // other cells run at the same time
  bool check_finite = false;  // check every value and gradient, and name the op of the first one that is not finite
  bool profile = false;       // record the steps' time by layer and op
  double checkpoint_seconds = 60;  // between two checkpoints
  std::int64_t max_memory = 0;     // bytes; 0: no limit

  static void fields(auto& self, auto&& f) {
    f("threads", self.threads), f("shared", self.shared), f("check_finite", self.check_finite);
    f("profile", self.profile), f("checkpoint_seconds", self.checkpoint_seconds), f("max_memory", self.max_memory);
  }
};

/// A cell's options and what its process adds.
struct Execution : CellOptions {
  Environment environment;                  // a checkpoint resumes only where the same steps give the same bits
  const std::atomic<bool>* stop = nullptr;  // set: abandon the step in progress
  Checkpoints checkpoints;
  std::function<void(const StepProfile&)> profiled;  // with `profile`: called once at the end
  /// Ends the process. Called after the checkpoint is saved if a step does not end soon after `stop` is set.
  std::function<void()> leave;
};

/// The progress of a run, reported about twice per second and after each validation.
struct Progress {
  long step = 0, steps = 0;
  double loss = 0, accuracy = 0;  // of the latest training batches
  double valid_accuracy = -1;     // after a validation, else −1
  double examples_per_second = 0;
  double data_share = 0;  // share of the steps' time spent waiting for examples
  std::int64_t peak_bytes = 0;
  std::string phase;  // train | valid | test

  static void fields(auto& self, auto&& f) {
    f("step", self.step), f("steps", self.steps), f("loss", self.loss), f("accuracy", self.accuracy);
    f("valid_accuracy", self.valid_accuracy), f("examples_per_second", self.examples_per_second);
    f("data_share", self.data_share), f("peak_bytes", self.peak_bytes), f("phase", self.phase);
  }
};

/// Returns the encoder's settings as results store and hash them. Settings that older versions of this program did not
/// have are left out where they have their defaults, so that old runs keep their keys.
Json stored_encoder(const Json& encoder);

/// Returns the resolved encoder and model settings, which are stored and hashed. Throws a usage error for a bad
/// setting.
Json resolve_settings(const Experiment& experiment);

/// Trains, validates, selects, scores every test example once. Fills every field but the machine's peak; `seconds` and
/// `shared` are those of earlier processes alone, to which the caller adds its own. Throws Error (kind failed) when a
/// loss of any split, a metric or a parameter is not finite, naming the step and where it can the op. Throws
/// Interrupted when `stop` is set. A run that finds its checkpoint goes on from there, and ends with the same
/// parameters, metrics and predictions as one that was never stopped.
TrainResult train(const Experiment& experiment, const Dataset& data, const Execution& execution,
                  const std::function<void(const Progress&)>& report);

}  // namespace lra
