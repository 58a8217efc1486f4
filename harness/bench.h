/// LRA's speed and memory protocol: what a step of each model costs at each length.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench_cell.h"
#include "harness/profile.h"
#include "results/store/record.h"

namespace lra {

/// Every model at every length.
struct BenchRequest {
  std::vector<std::string> models;  // see BenchTask::model
  std::vector<long> lengths = {1024, 2048, 3072, 4096};
  BenchTask task;  // what all cells have in common; those of several models take turns
};

/// One model at one length.
struct BenchCell {
  enum class Status { open, done, refused, failed };
  std::string model;
  long length = 0;
  std::optional<BenchForecast> forecast;  // none: nobody could tell
  Status status = Status::open;           // open: not measured; refused: it does not fit into memory
  std::string reason;                     // of a cell without figures, one sentence
  /// Its metrics:
  ///   median_ms, p10_ms, p90_ms, steps_per_second, examples_per_second
  ///   gflops             of the model, recomputation not counted
  ///   peak_gflops        of products, measured before the first turn of the cells of this length and before the last;
  ///                      peak_share: gflops over it
  ///   bytes_moved        a step, an estimate (see Work in models/tensor/memory.h); bandwidth: what memory gives, bytes
  ///                      a second, measured with peak_gflops; bandwidth_share: the time that bytes_moved take at that
  ///                      rate, as a share of the step's. The larger of the two shares says what bounds the model
  ///   peak_bytes         live at the peak: parameters, optimiser, gradient_bytes and activation_bytes
  ///   bytes_per_example  activations of one example; rss_bytes: growth of VmHWM by model and step
  ///   parameters, estimated_bytes
  /// A cell that does not fit has estimated_bytes and nothing else.
  std::vector<Measurement> figures;
  std::optional<StepProfile> profile;  // where it was asked for
};

struct BenchOptions {
  std::vector<std::string> program = {"/proc/self/exe", "cell"};  // what a cell's process runs
  double max_seconds = 0;                                         // of all cells together; 0: no limit
  const std::atomic<bool>* stop = nullptr;                        // set: what is not done stays open
};

/// Told what happens, in the thread that called `bench`.
class BenchObserver {
 public:
  virtual ~BenchObserver() = default;
  virtual void expected(const std::vector<BenchCell>&) {}  // their forecasts; before anything is measured
  /// A cell begins with something, "turn 2 of 3"; `share` of its work is done.
  virtual void progressed(const BenchCell&, const std::string& /*doing*/, double /*share*/) {}
  virtual void waited() {}                 // several times a second
  virtual void ended(const BenchCell&) {}  // done, refused or failed
};

/// Measures every model at every length, each cell in a process of its own: its memory first and alone, then the time
/// of its steps, models taking turns so that drift of the machine meets all alike. A cell that crashes, fails or lacks
/// memory is one failed cell. When time is over or `stop` is set, processes are ended at once, whatever they do. One
/// cell a length and model, in that order.
std::vector<BenchCell> bench(const BenchRequest& request, const BenchOptions& options, BenchObserver& observer);

}  // namespace lra
