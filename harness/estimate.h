/// Forecasts the cost of a cell from its data and a second or two of its own work on this machine.
#pragma once

#include <cstdint>
#include <string>

#include "harness/train.h"

namespace lra {

struct Estimate {
  long parameters = 0;
  double flops = 0;             // of the model, training and evaluation together
  std::int64_t peak_bytes = 0;  // as StoredRun::peak_bytes
  double seconds = 0;           // wall-clock of the cell alone with `threads` threads, without preparing data
  std::string basis;            // where the lengths of examples come from, for display
};

/// Builds the model and times its steps on examples of the task, for at most about `budget` seconds (0.1 and more).
/// The lengths come from prepared data, or from a few examples of a generator; otherwise every example counts with the
/// task's maximum length, and evaluation is left out if its number of examples is unknown. Steps too long to be timed
/// are extrapolated from shorter examples; see Growth.
Estimate estimate(const Experiment& experiment, const DataPaths& paths, long threads, double budget);

/// The approximate bytes that training keeps for all parameters: values, gradients, Adam's moments, best values. Does
/// not build the model, and takes no time.
std::int64_t bytes_of_parameters(const Experiment& experiment, long threads);

/// About the bytes that the process of a cell asks the system for at its peak, beside what it has at its start: stacks
/// of its threads, the looks at the machine's peak, parameters, gradients and activations. Worked out from passes over
/// short sequences, which take a fraction of a second and little more memory than the parameters; left out, and with
/// them the model and the activations, where the parameters alone come to more than `limit`.
std::int64_t needed_bytes(const Experiment& experiment, long threads, std::int64_t limit);

/// A cost that grows with the length n of a sequence as a·n + b·n^exponent, a and b not negative.
class Growth {
 public:
  /// Through two measured points, 0 < n1 < n2; with an exponent of 1 or less through the second and zero.
  Growth(double n1, double cost1, double n2, double cost2, double exponent);
  double operator()(double n) const;

 private:
  double a_, b_, exponent_;
};

}  // namespace lra
