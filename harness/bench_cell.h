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
  std::string model;  // "transformer materialized=true": a model with settings of its own
  long length = 1024, batch = 32;
  bool training = true;  // otherwise inference
  long threads = 1;
  double seconds = 2;   // of measured steps, all turns together, at least one step a turn
  long turns = 3;       // that the steps are divided into
  bool alone = true;    // otherwise others have their turns in between, and get the memory that is not in use
  long max_memory = 0;  // bytes that the process may have; 0: what the machine has available
  bool profile = false;
  Json encoder;   // shape and dropout; the `small` protocol's by default
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

/// What peak_bytes of a cell would be, without running it: one example is counted at lengths that double, up to half of
/// `length`, until the next would need more than `available` or is longer than `longest`, and goes on as the last
/// doubling did.
std::int64_t estimated_bytes(const BenchTask& task, std::int64_t available, long longest);

/// What a cell is expected to take, from a moment of its model's work on short sequences.
struct BenchForecast {
  double seconds = 0;
  std::int64_t bytes = 0;
};
/// One a length; that of `task` is not looked at.
std::vector<BenchForecast> forecast(const BenchTask& task, const std::vector<long>& lengths);

/// Measures a cell, turn by turn.
class BenchMeter {
 public:
  /// Estimates the memory and, where it is there, takes the first step, of which memory is measured.
  explicit BenchMeter(const BenchTask& task);
  ~BenchMeter();
  BenchMeter(const BenchMeter&) = delete;
  BenchMeter& operator=(const BenchMeter&) = delete;

  /// False: it does not fit and may have no turn.
  bool fits() const;
  void turn();
  /// The figures by name, see bench.h; those that compare with the machine are not among them. Of a cell that does not
  /// fit only estimated_bytes. Requires that it had its turns otherwise.
  Json metrics() const;
  /// The same steps for as long once more with a look at the clock after every op: see profile.h.
  Json profile();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

/// What a process of `bench` is asked for, on its way there.
Json forecast_request(const BenchTask& task, const std::vector<long>& lengths);
Json measure_request(const BenchTask& task);
Json machine_request(long threads, long max_memory);

/// Does what one of the three asks for and hands its answers to `answer`: {"forecast": [[seconds, bytes], …]}, or
/// {"gflops", "bandwidth"} of the machine, or of a cell {"fits"}, then {"turn"} after each turn but the last, and at
/// the end {"metrics", "profile"}. Calls `wait` before each turn; false from it ends the cell.
void serve_bench(const Json& request, const std::function<void(const Json&)>& answer,
                 const std::function<bool()>& wait);

}  // namespace lra
