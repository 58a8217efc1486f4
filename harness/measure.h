/// Measures the machine's peak rates and available memory, and the cost of an example.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/machine.h"
#include "harness/worker_pool.h"
#include "models/layers/classifier.h"

namespace lra {

/// GFLOP/s of single-threaded 2000×512×512 float products, one per worker at the same time: the peak that a model's own
/// rate is compared with. The median of three rounds; takes about 50 ms.
double gemm_peak_gflops(WorkerPool& workers);

/// Bytes per second that all workers together read and write in y += s·x, three floats per element. The memory is four
/// times as large as the last-level cache, or a quarter of what is available under `limit` if that is less. The median
/// of three rounds.
double memory_bandwidth(WorkerPool& workers, std::int64_t limit = 0);

/// Peak resident bytes of this process so far (VmHWM).
std::int64_t peak_resident_bytes();
/// Resets that peak to the present size; does nothing if the system does not allow it.
void reset_peak_resident_bytes();

/// Bytes available without swapping (see available_memory in core/machine.h), and no more than `limit` minus the
/// present size of this process. 0: no further limit.
std::int64_t available_bytes(std::int64_t limit);

/// The lowest limit at which the system refuses memory instead of ending the process: one of the process's own limits,
/// or `max_memory` (0: none) if that is lower.
std::optional<MemoryLimit> refusing_limit(std::int64_t max_memory);

/// Returns "not enough memory: ulimit -v allows 293 MiB, and about 350 MiB are needed"; `needed` 0: not known.
std::string out_of_memory(std::int64_t max_memory, std::int64_t needed);

/// CPU seconds after which the system tells this process, and each process that it starts, to end (ulimit -S -t).
std::optional<double> cpu_limit();

/// Returns possible reasons for a kill: "perhaps for lack of memory", and the limit of CPU time if there is one.
std::string why_killed();

/// Returns to the system the memory that the workers keep for later tensors.
void trim_memory(WorkerPool& workers);

/// The quantile at `share` (0 to 1), rounded to the nearest of the values. Requires at least one value.
double quantile(std::vector<double> values, double share);

/// The cost of one example of a task's full length, both sequences of a pair together. Counted, not timed, by running
/// random tokens through the model: takes as long as a training step on that example.
struct ExampleCost {
  double inference_flops = 0, training_flops = 0;        // of the model, without recomputation
  std::int64_t inference_bytes = 0, training_bytes = 0;  // peak, without parameters and gradients
};
ExampleCost cost_of_example(const Classifier& model, const TaskSpec& spec);

}  // namespace lra
