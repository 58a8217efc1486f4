/// Numbers that cannot be. What a damaged or edited database holds of them is a data error that names the run and how
/// to remove it: a table never counts what it could not have measured.
#pragma once

#include <filesystem>

#include "results/store/record.h"

namespace lra {

/// A finished run: 1 ≤ test examples, 0 ≤ right answers ≤ examples, no negative or infinite time, speed or size.
void check_sound(const StoredRun& run, const std::filesystem::path& database);

/// The predictions of run `id`, which has `correct` of `examples` right: as many bits as examples and none beyond them,
/// as many set as right.
void check_sound(const Hits& hits, long id, long correct, long examples, const std::filesystem::path& database);

/// An accuracy or a share in the history of run `id`: 0 … 1, or NaN where training diverged.
void check_share(double value, long id, const std::filesystem::path& database);

/// No negative or infinite figure; NaN: was not measured.
void check_sound(const Measurement& measurement, const std::filesystem::path& database);

/// 1 ≤ examples, 0 ≤ correct ≤ examples.
void check_sound(const Baseline& baseline, const std::string& variant, const std::filesystem::path& database);

}  // namespace lra
