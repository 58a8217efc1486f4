/// LRA's speed and memory protocol: the cost of a step for each model at each length.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench_cell.h"
#include "harness/profile.h"
#include "results/store/record.h"

namespace lra {

/// The models and lengths to measure; each pair is one cell.
struct BenchRequest {
  std::vector<std::string> models;  // see BenchTask::model
  std::vector<long> lengths = {1024, 2048, 3072, 4096};
  BenchTask task;  // settings that all cells share; cells of several models take turns
};

/// One model at one length.
struct BenchCell {
  enum class Status { open, done, refused, failed };
  std::string model;
  long length = 0;
  std::optional<BenchForecast> forecast;  // empty if the forecast failed
  Status status = Status::open;           // open: not measured; refused: the cell does not fit into memory
  std::string reason;                     // why the cell has no figures, one sentence
  /// The cell's metrics:
  ///   median_ms, p10_ms, p90_ms, steps_per_second, examples_per_second
  ///   gflops             of the model, recomputation not counted
  ///   peak_gflops        of matrix products, measured before the first and before the last turn of this length's cells
  ///   peak_share         gflops / peak_gflops
  ///   bytes_moved        per step, an estimate (see Work in models/tensor/memory.h)
  ///   bandwidth          of the memory in bytes per second, measured with peak_gflops
  ///   bandwidth_share    time to move bytes_moved at that rate, as a share of the step's time; the larger of
  ///                      the two shares says what bounds the model
  ///   peak_bytes         live at the peak: parameters, optimiser, gradient_bytes and activation_bytes
  ///   bytes_per_example  activations of one example
  ///   rss_bytes          growth of VmHWM by model and step
  ///   parameters, estimated_bytes
  /// A cell that does not fit has only estimated_bytes.
  std::vector<Measurement> figures;
  std::optional<StepProfile> profile;  // if the request asked for one
};

struct BenchOptions {
  std::vector<std::string> program = {"/proc/self/exe", "cell"};  // command line of a cell's process
  double max_seconds = 0;                                         // limit for all cells together; 0: no limit
  const std::atomic<bool>* stop = nullptr;                        // when it becomes true, unfinished cells stay open
};

/// Receives the events of a bench, in the thread that called `bench`.
class BenchObserver {
 public:
  virtual ~BenchObserver() = default;
  virtual void expected(const std::vector<BenchCell>&) {}  // called once with all forecasts, before any measurement
  /// The cell begins an activity such as "turn 2 of 3"; `share` (0 to 1) of its work is done.
  virtual void progressed(const BenchCell&, const std::string& /*doing*/, double /*share*/) {}
  virtual void waited() {}                 // called several times per second
  virtual void ended(const BenchCell&) {}  // done, refused or failed
};

/// Measures every model at every length, each cell in its own process: first its memory, while no other cell runs a
/// step, then the time of its steps, with models taking turns so that drift of the machine affects all alike. A cell
/// that crashes, fails or runs out of memory is one failed cell. When the time is over or `stop` is set, all processes
/// are killed at once. Returns one cell per length and model, in that order. Throws a usage error for a batch or length
/// below 1 and for an encoder shape that no model can have.
std::vector<BenchCell> bench(const BenchRequest& request, const BenchOptions& options, BenchObserver& observer);

}  // namespace lra
