/// `lra bench --mode step`.
#pragma once

#include <string>
#include <vector>

#include "harness/step_bench.h"

namespace lra {

/// Measures the models one after another at the lengths of `task` and prints a table of each length, or one JSON object
/// per model and length. A model without a step form is a row that says why. Ends early when `interrupted` is set.
/// Returns the exit code: 1 if a model failed otherwise.
int bench_steps_command(const std::vector<std::string>& models, StepBenchTask task, bool json);

}  // namespace lra
