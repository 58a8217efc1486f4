/// What the machine can do and has left, and what one example costs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/machine.h"
#include "harness/worker_pool.h"
#include "models/layers/classifier.h"

namespace lra {

/// GFLOP/s of single-threaded 2000×512×512 float products, one in each worker at once: the yardstick that a model's own
/// rate is a share of. Takes about a twentieth of a second. The median of three rounds.
double gemm_peak_gflops(WorkerPool& workers);

/// Bytes a second that all workers together read and write in y += s·x over memory four times as large as the
/// last-level cache, or over a quarter of what is available under `limit` where that is less: three numbers an element.
/// The median of three rounds.
double memory_bandwidth(WorkerPool& workers, std::int64_t limit = 0);

/// Bytes of this process at their peak so far (VmHWM).
std::int64_t peak_resident_bytes();
/// Sets that peak to the present size; does nothing where the system does not allow it.
void reset_peak_resident_bytes();

/// Bytes that can still be had without swapping: see available_memory in core/machine.h, and with a further `limit` for
/// this process no more than that leaves it beside what it has now. 0: no further limit.
std::int64_t available_bytes(std::int64_t limit);

/// The lowest limit beyond which the system refuses this process memory, rather than to end it: one of its own, or
/// `max_memory` (0: none) where that is lower.
std::optional<MemoryLimit> refusing_limit(std::int64_t max_memory);

/// "not enough memory: ulimit -v allows 293 MiB, and about 350 MiB are needed"; `needed` 0: nobody knows.
std::string out_of_memory(std::int64_t max_memory, std::int64_t needed);

/// The seconds on a CPU after which the system tells this process, and each that it starts, to end (ulimit -S -t).
std::optional<double> cpu_limit();

/// What may be behind a process that was killed: "perhaps for lack of memory", and the limit of its time on a CPU where
/// there is one.
std::string why_killed();

/// Hands memory that the workers keep for their next tensors back to the system.
void trim_memory(WorkerPool& workers);

/// The value below which a share of the values lies, the nearest of them. Requires at least one.
double quantile(std::vector<double> values, double share);

/// What one example of a task's full length costs, both sequences of a pair together. Counted, not timed, by passing
/// random tokens through: takes as long as a training step of that example.
struct ExampleCost {
  double inference_flops = 0, training_flops = 0;        // of the model: without recomputation
  std::int64_t inference_bytes = 0, training_bytes = 0;  // live beside parameters and gradients, at their peak
};
ExampleCost cost_of_example(const Classifier& model, const TaskSpec& spec);

}  // namespace lra
