#include "results/store/sound.h"

#include <bit>
#include <cmath>

namespace lra {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& database, long id, const std::string& what) {
  fail_data("database {} is damaged: run {} {}; `lra runs delete {}` removes it", database.string(), id, what, id);
}

bool are_possible(long correct, long examples) { return examples >= 1 && correct >= 0 && correct <= examples; }

}  // namespace

void check_sound(const StoredRun& run, const std::filesystem::path& database) {
  if (!are_possible(run.test_correct, run.test_examples))
    refuse(database, run.id, fmt::format("has {} of {} test examples right", run.test_correct, run.test_examples));
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

void check_sound(const Hits& hits, long id, long correct, long examples, const std::filesystem::path& database) {
  const long most = 8 * long(hits.bits.size());
  if (hits.examples > most || hits.examples < most - 7)
    refuse(database, id, fmt::format("has predictions of {} bytes for {} examples", hits.bits.size(), hits.examples));
  long set = 0;
  for (const std::uint8_t byte : hits.bits) set += std::popcount(byte);
  const long beyond = hits.examples % 8 ? hits.bits.back() >> (hits.examples % 8) : 0;
  if (hits.examples != examples || set != correct || beyond != 0)
    refuse(database, id,
           fmt::format("has {} of {} test examples right, but its predictions say {} of {}{}", correct, examples, set,
                       hits.examples, beyond ? ", some beyond the last" : ""));
}

void check_share(double value, long id, const std::filesystem::path& database) {
  if (value < 0 || value > 1) refuse(database, id, fmt::format("has an accuracy of {} in its history", value));
}

void check_sound(const Measurement& measurement, const std::filesystem::path& database) {
  if (measurement.value < 0 || std::isinf(measurement.value))
    fail_data("database {} is damaged: {} at {} tokens has {} {}; `lra bench --db` measures it anew, in another file",
              database.string(), measurement.model, measurement.length, measurement.metric, measurement.value);
}

void check_sound(const Baseline& baseline, const std::string& variant, const std::filesystem::path& database) {
  if (!are_possible(baseline.correct, baseline.examples))
    fail_data(
        "database {} is damaged: the baseline '{}' of {} has {} of {} test examples right; `lra run` stores it anew",
        database.string(), baseline.name, variant, baseline.correct, baseline.examples);
}

}  // namespace lra
