/// What the harness hands over to be stored: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/core/config.h"

namespace lra {

/// A value in a run's history: (200, "valid", "accuracy", 0.41).
struct Metric {
  long step = 0;
  std::string split, name;
  double value = 0;
};

/// The accuracy of a predictor that needs no model: "majority", "first_token", "bag_of_tokens".
struct Baseline {
  std::string name;
  long correct = 0, examples = 0;
};

/// The machine and the program that made a result.
struct Environment {
  std::string cpu, os, compiler, flags, code_version;
  std::string isa;                  // the instruction set of our own kernels, "AVX3"
  std::string onednn, onednn_isa;   // its version, and the instruction set that it uses, "AVX512_CORE"
  Json libraries = Json::object();  // version by name
  long cores = 0;
  std::int64_t memory_bytes = 0;
  bool dirty = false;  // the source tree had uncommitted changes
};

/// One cell of the matrix: task × model × seed.
struct Run {
  // Filled in by the store: the row, the environment's row, and what the seeds of one table cell have in common.
  long id = 0, environment = 0;
  std::string configuration;  // SHA-256 of `experiment` without its "seed"
  double valid_accuracy = 0;  // the best of its history, when it is part of a sweep

  std::string key;  // SHA-256 of `experiment`: the same experiment, the same key
  std::string task, variant, preset, model, model_revision;
  std::uint64_t seed = 0;
  Json overrides =
      Json::object();  // what was asked for beside the preset, {"k": 64, "lr": 3e-3}: names the row of a table
  Json experiment;     // all that decides the result, canonical, the seed as "seed"
  std::string data_fingerprint;
  std::string status = "done";  // done | failed | interrupted
  std::string reason;           // why it failed, one sentence
  std::string command;
  std::string started;  // UTC, ISO 8601
  double seconds = 0;
  bool comparable = true;      // false with --limit or shortened steps
  bool shared = false;         // timed while other cells ran, all of it or a part
  std::string data_folder;     // absolute: where the files of its data were, or would have been looked for
  Json parts = Json::array();  // what each process did of it, and under which conditions: see harness/checkpoint.h
  std::string timing_flaw;     // why its timings are not one figure, "1 and 2 threads"; empty: they are
  Json sweep;                  // what was tried of each key, {"lr": [3e-4, 1e-3]}, when this is one of several tries
  long threads = 0;

  long parameters = 0;
  std::string parameter_digest;  // SHA-256 over names, shapes and little-endian values after training
  long test_correct = 0, test_examples = 0;
  double test_loss = 0;
  double train_seconds = 0;                 // steps only, evaluation excluded
  double data_seconds = 0;                  // of these, waiting for examples
  double examples_per_second = 0;           // training
  double gflops = 0, gemm_peak_gflops = 0;  // model FLOPs a second; the machine's measured peak in the same run
  std::int64_t peak_bytes = 0;              // live bytes at the peak: parameters, gradients, optimiser, activations
  std::int64_t activation_bytes = 0;        // of these, activations of one micro-batch at their peak
  std::int64_t rss_bytes = 0;               // VmHWM less its value before the first step
  std::vector<Metric> history;
  std::vector<std::uint8_t> test_hits;  // 1 byte an example of the test split, in order: 1 = correct
};

/// One figure of `lra bench`.
struct Measurement {
  std::string model, mode, metric;  // mode: train | infer; metric: see harness/bench.h
  long length = 0, batch = 0, threads = 0;
  Json settings;  // the shape measured: figures of one shape share a table; a model's own variants differ in `model`
  double value = 0;
  long environment = 0;  // the environment's row, filled in by the store
};

/// Which examples of the test split a run had right: bit i % 8, lowest first, of byte i / 8 is example i.
struct Hits {
  long examples = 0;
  std::vector<std::uint8_t> bits;
};

/// The share of the test split that was right; 0 without one.
inline double accuracy(const Run& run) {
  return run.test_examples > 0 ? double(run.test_correct) / double(run.test_examples) : 0.0;
}
inline double accuracy(const Baseline& baseline) {
  return baseline.examples > 0 ? double(baseline.correct) / double(baseline.examples) : 0.0;
}
/// Whether its timings may stand beside others.
inline bool is_timed(const Run& run) { return !run.shared && run.timing_flaw.empty(); }
/// The share of its steps' time that a run waited for data.
inline double data_share(const Run& run) { return run.train_seconds > 0 ? run.data_seconds / run.train_seconds : 0.0; }

}  // namespace lra
