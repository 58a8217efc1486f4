/// Checks that stored numbers are possible, so that no table counts values from a damaged or edited database. Each
/// function throws a data error that names the offending row and how to remove or replace it.
#pragma once

#include <filesystem>

#include "results/store/record.h"

namespace lra {

/// For a finished run: requires 0 ≤ test_correct ≤ test_examples, test_examples ≥ 1, and every time, speed and size
/// non-negative and finite.
void validate(const StoredRun& run, const std::filesystem::path& database);

/// For the predictions of run `id`, which classified `correct` of `examples` correctly: requires one bit per example,
/// `correct` set bits, and none set beyond the last example.
void validate(const CorrectExamples& predictions, long id, long correct, long examples,
              const std::filesystem::path& database);

/// For an accuracy in the history of run `id`: requires 0 ≤ value ≤ 1, or NaN, which means that training diverged.
void validate_accuracy(double value, long id, const std::filesystem::path& database);

/// Requires a non-negative, finite value, or NaN, which means not measured.
void validate(const Measurement& measurement, const std::filesystem::path& database);

/// Requires 0 ≤ correct ≤ examples and examples ≥ 1.
void validate(const Baseline& baseline, const std::string& variant, const std::filesystem::path& database);

}  // namespace lra
