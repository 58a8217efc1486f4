/// One cell of `lra bench`, a model at a length, as its own process measures it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"

namespace lra {

/// Steps on random tokens of LRA's byte vocabulary, every sequence of the full length.
struct BenchTask {
  std::string model;  // may include settings: "transformer materialized=true"
  long length = 1024, batch = 32;
  bool training = true;  // otherwise inference
  long threads = 1;
  double seconds = 2;   // of measured steps over all turns, at least one step per turn
  long turns = 3;       // number of turns that the steps are divided into
  bool alone = true;    // otherwise other cells take turns in between and get unused memory
  long max_memory = 0;  // bytes; 0: what the machine has available
  bool profile = false;
  Json encoder;   // shape and dropout; default: those of the `small` protocol
  Json settings;  // of all models

  void fields(auto&& f) {
    f("model", model, "");
    f("length", length, "");
    f("batch", batch, "");
    f("training", training, "");
    f("threads", threads, "");
    f("seconds", seconds, "");
    f("turns", turns, "");
    f("alone", alone, "");
    f("max_memory", max_memory, "");
    f("profile", profile, "");
  }
};

/// Estimates peak_bytes of a cell without running it. Counts one example at doubling lengths up to half of `length`,
/// until the next one would need more than `available` or be longer than `longest`, and extrapolates from the last
/// doubling.
std::int64_t estimated_bytes(const BenchTask& task, std::int64_t available, long longest);

/// A forecast of a cell's cost from a short trial of its model on short sequences.
struct BenchForecast {
  double seconds = 0;
  std::int64_t bytes = 0;
};
/// Returns one forecast per length; the length of `task` is ignored.
std::vector<BenchForecast> forecast(const BenchTask& task, const std::vector<long>& lengths);

/// Measures a cell, turn by turn.
class BenchMeter {
 public:
  /// Estimates the memory and, if there is enough, takes the first step and measures its memory.
  explicit BenchMeter(const BenchTask& task);
  ~BenchMeter();
  BenchMeter(const BenchMeter&) = delete;
  BenchMeter& operator=(const BenchMeter&) = delete;

  /// Whether the cell fits in memory; if not, it takes no turn.
  bool fits() const;
  void turn();
  /// The figures by name (see bench.h) except those that compare with the machine; only estimated_bytes for a cell that
  /// does not fit. Requires that all turns are over.
  Json metrics() const;
  /// Repeats the steps for the same time with a clock reading after every op; see profile.h.
  Json profile();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

/// The request that `bench` sends to one of its processes.
Json forecast_request(const BenchTask& task, const std::vector<long>& lengths);
Json measure_request(const BenchTask& task);
Json machine_request(long threads, long max_memory);

/// Does what one of the three asks for and hands its answers to `answer`: {"forecast": [[seconds, bytes], …]}, or
/// {"gflops", "bandwidth"} of the machine, or of a cell {"fits"}, then {"turn"} after each turn but the last, and at
/// the end {"metrics", "profile"}. Calls `wait` before each turn; false from it ends the cell.
void serve_bench(const Json& request, const std::function<void(const Json&)>& answer,
                 const std::function<bool()>& wait);

}  // namespace lra
