/// The state of a run in one safetensors file, from which an interrupted run resumes as if it had never stopped.
///
/// Batches, dropout masks and all other random numbers are functions of the seed and the step. A state is therefore the
/// step number, the arrays that training changes, and the history recorded so far.
#pragma once

#include <cstdint>
#include <filesystem>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "results/store/record.h"

namespace lra {

/// Sums of losses and correct predictions over several passes.
struct Tally {
  double loss = 0;
  long correct = 0, examples = 0;

  void add(std::span<const double> losses, std::span<const std::uint8_t> right) {
    loss = std::accumulate(losses.begin(), losses.end(), loss);
    correct = std::accumulate(right.begin(), right.end(), correct);
    examples += long(losses.size());
  }
  double mean_loss() const { return examples ? loss / double(examples) : 0; }
  double accuracy() const { return examples ? double(correct) / double(examples) : 0; }
};

/// The part of a run that one process did. The timings of several parts add up to one figure only if their conditions
/// are the same.
struct RunPart {
  std::string machine;
  long threads = 0;
  bool shared = false;  // other cells ran at the same time
  long steps = 0;
  double train_seconds = 0;
  double paused_seconds = 0;  // in which the process was stopped; not included in train_seconds

  void fields(auto&& f) {
    f("machine", machine, "");
    f("threads", threads, "");
    f("shared", shared, "");
    f("steps", steps, "");
    f("train_seconds", train_seconds, "");
    f("paused_seconds", paused_seconds, "");
  }
};

/// Returns the parts as a JSON array.
Json encode(const std::vector<RunPart>& parts);

/// Returns why the timings of these parts do not add up to one figure, for people; empty if they do.
std::string timing_flaw(const std::vector<RunPart>& parts);

/// A state without its arrays of parameters.
struct TrainState {
  long steps = 0;      // completed
  long validated = 0;  // the last step after which validation ran
  long best_step = 0;
  double best_accuracy = -1;
  Tally interval;      // since the training loss was last recorded
  double seconds = 0;  // of all processes, evaluation included
  double train_seconds = 0, data_seconds = 0, flops = 0;
  std::int64_t activation_bytes = 0, peak_bytes = 0, rss_bytes = 0;
  std::vector<RunPart> parts;
  std::vector<Metric> history;

  void fields(auto&& f) {
    f("steps", steps, "");
    f("validated", validated, "");
    f("best_step", best_step, "");
    f("best_accuracy", best_accuracy, "");
    f("interval_loss", interval.loss, "");
    f("interval_hits", interval.correct, "");
    f("interval_examples", interval.examples, "");
    f("seconds", seconds, "");
    f("train_seconds", train_seconds, "");
    f("data_seconds", data_seconds, "");
    f("flops", flops, "");
    f("activation_bytes", activation_bytes, "");
    f("peak_bytes", peak_bytes, "");
    f("rss_bytes", rss_bytes, "");
  }
};

/// Views of the arrays that training changes, each as large as the parameters; `best` is empty before the first
/// validation.
struct TrainArrays {
  std::span<float> parameters, first_moment, second_moment;
  std::vector<float>& best;
};

/// Writes a new file, syncs it, reads it back and compares its hash, and only then replaces the old file. `experiment`
/// is the canonical form of the state's experiment, `environment` the machine and program that computed it. Throws, and
/// leaves the old file in place, when the new one cannot be written or does not read back.
void save_checkpoint(const std::filesystem::path& file, const Json& experiment, const Environment& environment,
                     const TrainState& state, const TrainArrays& arrays);

/// Returns a sentence that says why the file does not read as it was written; empty if it does, or if there is no file.
std::string flaw_of_checkpoint(const std::filesystem::path& file);

/// Fills `state` and `arrays` from the file; returns false if there is none. Throws a data error, and changes nothing,
/// when the file is damaged, belongs to another experiment, does not fit the model, or comes from a level at which the
/// same steps give other bits (see results/store/numeric_level.h).
bool load_checkpoint(const std::filesystem::path& file, const Json& experiment, const Environment& environment,
                     TrainState& state, const TrainArrays& arrays);

}  // namespace lra
