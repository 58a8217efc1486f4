/// Where the time of a cell's steps went: by layer and op, and what was not arithmetic.
#pragma once

#include <vector>

#include "core/json.h"
#include "models/autodiff/profile.h"

namespace lra {

struct StepResult;

/// Sums over all steps. Evaluation is left out.
struct StepProfile {
  /// Leaves out a step in which the process stood still: its ops' times are not theirs.
  void add(const StepResult& step);

  long steps = 0, threads = 1;
  double seconds = 0;                 // wall-clock
  double data_seconds = 0;            // of these, while the threads had no examples to work on
  double optimiser_seconds = 0;       // of these, while the parameters were updated
  std::vector<ProfileRow> rows = {};  // of all threads together; see PassResult
};

/// Seconds of all threads together, threads × wall-clock: how they divide.
struct TimeShares {
  double total = 0;
  double model = 0;  // ops, forward and backward
  double data = 0, reduction = 0, optimiser = 0;
  double scheduling = 0;  // the rest: threads without a lane, steps cut into micro-batches, this profile's own work
};
TimeShares shares_of(const StepProfile& profile);

/// For the way to another process and back, and for --json: "steps", "threads", "seconds", "not_arithmetic" (seconds of
/// all threads by name) and "ops", with "calls", "seconds", "flops" and "bytes" of "forward" and "backward" of each.
Json encode(const StepProfile& profile);
/// Throws Json::exception when it is not one.
StepProfile decode_profile(const Json& json);

}  // namespace lra
