/// What a run needs to go on as if it had never stopped, in one safetensors file.
///
/// Batches, dropout and every other draw are functions of the seed and the step, so a state is the number of the step,
/// the numbers that training has changed, and what was noted so far.
#pragma once

#include <cstdint>
#include <filesystem>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "results/store/record.h"

namespace lra {

/// Losses and correct predictions of several passes.
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

/// What one process did of a run. Timings of several are one figure only where their conditions are the same.
struct Part {
  std::string machine;
  long threads = 0;
  bool shared = false;  // other cells ran beside it
  long steps = 0;
  double train_seconds = 0;
  double paused_seconds = 0;  // in which it stood still; not among train_seconds

  void fields(auto&& f) {
    f("machine", machine, "");
    f("threads", threads, "");
    f("shared", shared, "");
    f("steps", steps, "");
    f("train_seconds", train_seconds, "");
    f("paused_seconds", paused_seconds, "");
  }
};

Json encode(const std::vector<Part>& parts);

/// Why the timings of these parts are not one figure, for people; empty when they are.
std::string timing_flaw(const std::vector<Part>& parts);

/// The part of a state that is not an array of parameters.
struct TrainState {
  long steps = 0;      // that are complete
  long validated = 0;  // the step after which was validated last
  long best_step = 0;
  double best_accuracy = -1;
  Tally interval;      // since the training loss was noted last
  double seconds = 0;  // of all processes, evaluation included
  double train_seconds = 0, data_seconds = 0, flops = 0;
  std::int64_t activation_bytes = 0, peak_bytes = 0, rss_bytes = 0;
  std::vector<Part> parts;
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

/// Views of what training changes, all of the parameters' size; `best` has none before the first validation.
struct TrainArrays {
  std::span<float> parameters, first_moment, second_moment;
  std::vector<float>& best;
};

/// Writes to a new file, syncs, reads it back and compares its hash, and only then lets it take the place of the old
/// one. `experiment` is the canonical form that the state belongs to, `environment` what it was made with. Throws when
/// the file cannot be written or does not read back; the old one is then still there.
void save_checkpoint(const std::filesystem::path& file, const Json& experiment, const Environment& environment,
                     const TrainState& state, const TrainArrays& arrays);

/// A sentence on what keeps a file from being read as it was written; empty when nothing does, or there is no file.
std::string flaw_of_checkpoint(const std::filesystem::path& file);

/// Fills `state` and `arrays` from the file; false when there is none. Throws a data error, and changes nothing, when
/// the file is damaged, belongs to another experiment, does not fit the model, or was made where the same steps give
/// other bits than here (see results/store/numeric_level.h).
bool load_checkpoint(const std::filesystem::path& file, const Json& experiment, const Environment& environment,
                     TrainState& state, const TrainArrays& arrays);

}  // namespace lra
