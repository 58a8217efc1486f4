/// LRA's speed and memory protocol: what a step of each model costs at each length.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/core/config.h"
#include "harness/profile.h"
#include "results/record.h"

namespace lra {

/// Steps on random tokens of LRA's byte vocabulary, every sequence of the full length.
struct BenchRequest {
  std::vector<std::string> models;  // "transformer materialized=true": a model with settings of its own
  std::vector<long> lengths = {1024, 2048, 3072, 4096};
  long batch = 32;
  bool training = true;  // otherwise inference
  Json encoder;          // shape and dropout; the `small` protocol's by default
  Json settings;         // of all models
  long threads = 1;
  double seconds = 2;           // of measured steps a cell, after one step of warm-up; at least 3 steps
  std::int64_t max_memory = 0;  // bytes that this process may have; 0: what the machine has available
};

/// Measures every model at every length: its memory first and alone, then the time of its steps, models taking turns so
/// that drift of the machine meets all alike. A cell's metrics:
///   median_ms, p10_ms, p90_ms, steps_per_second, examples_per_second
///   gflops             of the model, recomputation not counted
///   peak_gflops        of products, measured before and after; peak_share: gflops over it
///   bytes_moved        a step, an estimate (see Work in models/tensor/memory.h); bandwidth: what memory gives, bytes a
///                      second, measured before and after; bandwidth_share: the time that bytes_moved take at that
///                      rate, as a share of the step's. The larger of the two shares says what bounds the model
///   peak_bytes         live at the peak: parameters, optimiser, gradient_bytes and activation_bytes
///   bytes_per_example  activations of one example; rss_bytes: growth of VmHWM by model and step
///   parameters, estimated_bytes
/// A cell that would not fit into memory is not run; it has estimated_bytes and nothing else. `report` is called with
/// one line of text a cell.
std::vector<Measurement> bench(const BenchRequest& request, const std::function<void(const std::string&)>& report);

/// Where the time of a row's steps goes.
struct BenchProfile {
  std::string model;
  long length = 0;
  StepProfile profile;
};

/// The same steps for as long once more, each model at each length alone, with a look at the clock after every op. Rows
/// that would not fit into memory are left out.
std::vector<BenchProfile> profile_bench(const BenchRequest& request);

/// What peak_bytes of a cell would be, without running it: one example is counted at lengths that double, up to half of
/// `length` or until the next would need more than `available`, and goes on as the last doubling did.
std::int64_t estimated_bytes(const BenchRequest& request, const std::string& model, long length,
                             std::int64_t available);

}  // namespace lra
