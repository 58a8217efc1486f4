/// Prepared data as one file a dataset, mapped into memory. Its header is verified when it is opened, each MiB of its
/// data when it is first read; cache_format.h says how it lies in the file.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "datasets/source.h"

namespace lra {

/// The data kept in `file` under `key` (64 hex digits). A missing or foreign file, or one whose header is damaged, is
/// made anew with `make`, and `notice` hears which and why, and what was found in the data. Damage in the data shows
/// later: the Dataset's `at` throws a data error that names the file, and the file is removed, so that the next use
/// makes it anew. While one process prepares the file, others wait for it. Throws what `make` throws, and an error that
/// names the file when it cannot be written.
std::unique_ptr<Dataset> open_cached(const std::filesystem::path& file, const std::string& key,
                                     const std::function<Corpus()>& make, const Notice& notice = {});

/// A corpus as a Dataset without a file.
std::unique_ptr<Dataset> in_memory(const Corpus& corpus);

/// What a prepared file says of itself.
struct CacheSummary {
  std::uintmax_t bytes = 0;
  std::array<long, 3> examples{};  // by Split
  long sequences = 0;              // distinct ones, over all splits
  std::string fingerprint;
};

/// Reads and verifies the header only. Nothing for a missing file; a data error names a damaged or foreign one.
std::optional<CacheSummary> summarise_cache(const std::filesystem::path& file);

/// Hashes everything: each block, and the fingerprint over every token and label. What is wrong with the file, which is
/// then removed; empty when it is sound.
std::string flaw_of_cache(const std::filesystem::path& file);

}  // namespace lra
