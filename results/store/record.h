/// The records that the harness passes to the store, as plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

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

/// The machine and the program that produced a result.
struct Environment {
  std::string cpu, os, compiler, flags, code_version;
  std::string isa;                  // the instruction set of our own kernels, "AVX3"
  std::string onednn, onednn_isa;   // oneDNN's version and the instruction set that it uses, "AVX512_CORE"
  Json libraries = Json::object();  // version by name
  long cores = 0;
  std::int64_t memory_bytes = 0;
  bool dirty = false;  // the source tree had uncommitted changes

  static void fields(auto& self, auto&& f) {
    f("cpu", self.cpu), f("isa", self.isa), f("os", self.os), f("compiler", self.compiler), f("flags", self.flags);
    f("onednn", self.onednn), f("onednn_isa", self.onednn_isa), f("code_version", self.code_version);
    f("cores", self.cores), f("memory_bytes", self.memory_bytes), f("dirty", self.dirty);
    f("libraries", self.libraries);
  }
};

// A record lists its fields once, in `fields`; the database's columns, the messages between processes, `--json` and the
// reports all follow that list. To add a figure, add it to its struct and add a column in schema.cpp.

/// What was requested: one cell of the matrix task × model × seed, and how to run it.
struct RunSpec {
  std::string key;  // SHA-256 of `experiment`: the same experiment, the same key
  std::string task, variant, preset, model, model_revision;
  std::uint64_t seed = 0;
  Json overrides = Json::object();  // changes to the preset, {"k": 64, "lr": 3e-3}: they name the row of a table
  Json sweep;                       // all values tried for each key, {"lr": [3e-4, 1e-3]}; null unless part of a sweep
  Json experiment;                  // everything that decides the result, in canonical form; the seed is under "seed"
  bool comparable = true;           // false with --limit or shortened steps
  std::string data_fingerprint;
  std::string data_folder;  // absolute path where the files of its data were, or would have been, looked up
  long threads = 0;
  std::string command;

  static void fields(auto& self, auto&& f) {
    f("key", self.key), f("task", self.task), f("variant", self.variant), f("preset", self.preset);
    f("model", self.model), f("model_revision", self.model_revision), f("seed", self.seed);
    f("overrides", self.overrides), f("sweep", self.sweep), f("experiment", self.experiment);
    f("comparable", self.comparable), f("data_fingerprint", self.data_fingerprint);
    f("data_folder", self.data_folder), f("threads", self.threads), f("command", self.command);
  }
};

/// The result of training. Every figure is finite.
struct TrainResult {
  long parameters = 0;
  std::string parameter_digest;  // SHA-256 over names, shapes and little-endian values after training
  long test_correct = 0, test_examples = 0;
  double test_loss = 0;
  double train_seconds = 0;           // steps only, evaluation excluded
  double data_seconds = 0;            // the part of train_seconds spent waiting for examples
  double examples_per_second = 0;     // of training
  double gflops = 0;                  // model FLOPs per second
  double gemm_peak_gflops = 0;        // the machine's measured peak in the same run
  std::int64_t peak_bytes = 0;        // live bytes at the peak: parameters, gradients, optimiser, activations
  std::int64_t activation_bytes = 0;  // the part of peak_bytes that is the activations of one micro-batch
  std::int64_t rss_bytes = 0;         // VmHWM minus its value before the first step
  double seconds = 0;                 // wall-clock time, summed over all processes that worked on it
  bool shared = false;                // whether other cells ran beside it for any part of the time
  Json parts = Json::array();         // what each process did, and under which conditions: see harness/checkpoint.h
  std::string timing_flaw;  // why its timings cannot be combined into one figure, "1 and 2 threads"; else empty
  std::string reason;       // why it failed, or a caveat on a done run

  std::vector<Metric> history;
  std::vector<std::uint8_t> test_correctness;  // 1 byte per example of the test split, in order: 1 = correct

  /// The fields that only a done run has.
  static void figures(auto& self, auto&& f) {
    f("parameters", self.parameters), f("parameter_digest", self.parameter_digest);
    f("test_correct", self.test_correct), f("test_examples", self.test_examples), f("test_loss", self.test_loss);
    f("train_seconds", self.train_seconds), f("data_seconds", self.data_seconds);
    f("examples_per_second", self.examples_per_second);
    f("gflops", self.gflops), f("gemm_peak_gflops", self.gemm_peak_gflops);
    f("peak_bytes", self.peak_bytes), f("activation_bytes", self.activation_bytes), f("rss_bytes", self.rss_bytes);
  }
  /// All fields but `history` and `test_correctness`.
  static void fields(auto& self, auto&& f) {
    figures(self, f);
    f("seconds", self.seconds), f("shared", self.shared), f("parts", self.parts), f("timing_flaw", self.timing_flaw);
    f("reason", self.reason);
  }
};

/// A row of the database: request, result, status and environment.
struct StoredRun : RunSpec, TrainResult {
  long id = 0;                  // the row's id
  long environment = 0;         // the id of the environment's row
  std::string configuration;    // SHA-256 of `experiment` without its "seed"; the seeds of one table cell share it
  std::string status = "done";  // done | failed | interrupted
  std::string started;          // UTC, ISO 8601
  double valid_accuracy = 0;    // the best in its history if it is part of a sweep, else 0; not a column

  static void fields(auto& self, auto&& f) {
    f("environment", self.environment), f("configuration", self.configuration);
    f("status", self.status), f("started", self.started);
    RunSpec::fields(self, f);
    TrainResult::fields(self, f);
  }
};

/// One measurement of `lra bench`.
struct Measurement {
  std::string model, mode, metric;  // mode: train | infer; metric: see harness/bench.h
  long length = 0, batch = 0, threads = 0;
  Json settings;  // the shape; measurements of one shape share a table, variants of a model differ in `model`
  double value = 0;
  long environment = 0;  // the id of the environment's row, filled in by the store

  static void fields(auto& self, auto&& f) {
    f("environment", self.environment), f("model", self.model), f("mode", self.mode), f("metric", self.metric);
    f("length", self.length), f("batch", self.batch), f("threads", self.threads), f("settings", self.settings);
    f("value", self.value);
  }
};

/// Which examples of the test split a run classified correctly: example i is bit i % 8, lowest first, of byte i / 8.
struct CorrectExamples {
  long examples = 0;
  std::vector<std::uint8_t> bits;
};

/// The share of test examples that were classified correctly; 0 if there are none.
inline double accuracy(const StoredRun& run) {
  return run.test_examples > 0 ? double(run.test_correct) / double(run.test_examples) : 0.0;
}
inline double accuracy(const Baseline& baseline) {
  return baseline.examples > 0 ? double(baseline.correct) / double(baseline.examples) : 0.0;
}
/// Whether its timings can be compared with those of other runs.
inline bool is_timed(const StoredRun& run) { return !run.shared && run.timing_flaw.empty(); }
/// The share of train_seconds that was spent waiting for data.
inline double data_share(const StoredRun& run) {
  return run.train_seconds > 0 ? run.data_seconds / run.train_seconds : 0.0;
}

}  // namespace lra
