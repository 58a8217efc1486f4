/// Training one cell, from data to scored test split.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>

#include "datasets/dataset.h"
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
  double seconds = 60;         // between two of them
};

/// How it is run; does not change the result.
struct Execution {
  long threads = 1;
  bool shared = false;      // other cells run beside it
  Environment environment;  // where it runs: a state goes on only where the same steps give the same bits
  const std::atomic<bool>* stop = nullptr;  // set: abandon the step in progress
  bool check_finite = false;                // look at every value and gradient, and name the op of the first bad one
  Checkpoints checkpoints;
  std::function<void(const StepProfile&)> profiled;  // told at the end where the steps' time went; empty: not noted
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
};

/// The resolved encoder and model settings: what is stored and hashed. Throws a usage error for a bad setting.
Json resolve_settings(const Experiment& experiment);

/// Trains, validates, selects, scores every test example once. Fills the result fields of Run (parameters, digest, test
/// figures, times, memory, history, hits, parts); the caller fills in the rest, the machine's peak too. `seconds` and
/// `shared` are those of earlier processes alone. Throws Error (kind failed) when a loss of any split, a metric or a
/// parameter is not finite, naming the step and where it can the op: every figure of a Run is finite. Throws
/// Interrupted when `stop` is set. A run that finds its checkpoint goes on from there, and ends with the same
/// parameters, metrics and predictions as one that was never stopped.
Run train(const Experiment& experiment, const Dataset& data, const Execution& execution,
          const std::function<void(const Progress&)>& report);

struct Interrupted {};

}  // namespace lra
