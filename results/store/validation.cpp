#include "results/store/validation.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "results/store/database_file.h"

namespace lra {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& database, long id, const std::string& what) {
  fail_data("database {} is damaged: run {} {}; `{}` removes it", database.string(), id, what,
            command_on(database, fmt::format("runs delete {}", id)));
}

bool is_possible_score(long correct, long examples) { return examples >= 1 && correct >= 0 && correct <= examples; }

}  // namespace

void validate(const StoredRun& run, const std::filesystem::path& database) {
  if (!is_possible_score(run.test_correct, run.test_examples))
    refuse(database, run.id, fmt::format("has {} of {} test examples correct", run.test_correct, run.test_examples));
  for (const auto& [name, value] : {std::pair("seconds", run.seconds),
                                    {"train_seconds", run.train_seconds},
                                    {"data_seconds", run.data_seconds},
                                    {"examples_per_second", run.examples_per_second},
                                    {"gflops", run.gflops},
                                    {"gemm_peak_gflops", run.gemm_peak_gflops},
                                    {"parameters", double(run.parameters)},
                                    {"threads", double(run.threads)},
                                    {"peak_bytes", double(run.peak_bytes)},
                                    {"activation_bytes", double(run.activation_bytes)}})
    if (value < 0 || std::isinf(value)) refuse(database, run.id, fmt::format("has {} {}", name, value));
}

void validate(const CorrectExamples& predictions, long id, long correct, long examples,
              const std::filesystem::path& database) {
  const long most = 8 * long(predictions.bits.size());
  if (predictions.examples > most || predictions.examples < std::max(0L, most - 7))
    refuse(database, id,
           fmt::format("has predictions of {} bytes for {} examples", predictions.bits.size(), predictions.examples));
  long set = 0;
  for (const std::uint8_t byte : predictions.bits) set += std::popcount(byte);
  const long beyond = predictions.examples % 8 ? predictions.bits.back() >> (predictions.examples % 8) : 0;
  if (predictions.examples != examples || set != correct || beyond != 0)
    refuse(database, id,
           fmt::format("has {} of {} test examples correct, but its predictions say {} of {}{}", correct, examples, set,
                       predictions.examples, beyond ? ", some beyond the last" : ""));
}

void validate_accuracy(double value, long id, const std::filesystem::path& database) {
  if (value < 0 || value > 1) refuse(database, id, fmt::format("has an accuracy of {} in its history", value));
}

void validate(const Measurement& measurement, const std::filesystem::path& database) {
  if (measurement.value < 0 || std::isinf(measurement.value))
    fail_data("database {} is damaged: {} at {} tokens has {} {}; measure it again with `lra bench` and another --db",
              database.string(), measurement.model, measurement.length, measurement.metric, measurement.value);
}

void validate(const Baseline& baseline, const std::string& variant, const std::filesystem::path& database) {
  if (!is_possible_score(baseline.correct, baseline.examples))
    fail_data(
        "database {} is damaged: the baseline '{}' of {} has {} of {} test examples correct; `lra run` replaces it",
        database.string(), baseline.name, variant, baseline.correct, baseline.examples);
}

}  // namespace lra
