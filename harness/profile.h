/// Profile of a cell's steps: the time by layer and op, and the time that was not arithmetic.
#pragma once

#include <vector>

#include "core/json.h"
#include "models/autodiff/profile.h"

namespace lra {

struct StepResult;

/// Sums over all steps, evaluation excluded.
struct StepProfile {
  /// Leaves out a step with a pause of the process, whose duration would count as time of the op that it interrupted.
  void add(const StepResult& step);

  long steps = 0, threads = 1;
  double seconds = 0;                 // wall-clock
  double data_seconds = 0;            // part of it: the threads waited for examples
  double optimiser_seconds = 0;       // part of it: the parameters were updated
  std::vector<ProfileRow> rows = {};  // of all threads together; see PassResult
};

/// The seconds of all threads together (threads × wall-clock seconds) and how they divide.
struct TimeShares {
  double total = 0;
  double model = 0;  // ops, forward and backward
  double data = 0, reduction = 0, optimiser = 0;
  double scheduling = 0;  // the rest: idle threads, the division into micro-batches, profiling itself
};
TimeShares shares_of(const StepProfile& profile);

/// For transfer to another process, and for --json: "steps", "threads", "seconds", "not_arithmetic" (seconds of all
/// threads by name) and "ops", each with "calls", "seconds", "flops" and "bytes" of its "forward" and "backward".
Json encode(const StepProfile& profile);
/// Throws Json::exception when `json` is not a profile.
StepProfile decode_profile(const Json& json);

}  // namespace lra
