/// The cost of reading a sequence token by token, with the states of recurrences or a cache of keys and values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

namespace lra {

struct StepBenchTask {
  std::string model;
  long batch = 1;             // sequences that take a step together, in one thread
  double seconds = 1;         // of measured steps for each length
  std::vector<long> lengths;  // at least 1
  Json encoder;               // shape
};

/// What a step costs that follows N tokens.
struct StepCost {
  long length = 0;
  double median_ms = 0, p10_ms = 0, p90_ms = 0;
  std::int64_t state_bytes = 0;  // of one sequence, after N tokens
  long parameters = 0;
};

/// Measures a model with `causal` set if it has that setting. Reads N − 1 tokens at once and one by itself, and then
/// times as many as the time allows, at least 3 and at most N/16 + 15, which count as steps at N. Returns a cost for
/// each length. Throws a usage error that says why the model has no step form if it has none.
std::vector<StepCost> bench_steps(const StepBenchTask& task);

}  // namespace lra
