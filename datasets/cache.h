/// Prepared data in one file per dataset, mapped into memory. The header is verified on opening, each MiB of the data
/// on its first read. cache_format.h documents the format.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "datasets/source.h"

namespace lra {

/// Return the data stored in `file` under `key` (64 hex digits). A file that is missing, has another key or format, or
/// has a damaged header is written anew with `make`; `notice` receives the file, the reason, and the findings in the
/// data. Damage in the data is detected later: the Dataset's `at` throws a data error that names the file and removes
/// it, so that the next use writes it anew. While one process prepares the file, others wait. Throws what `make`
/// throws, and an error that names the file when it cannot be written.
std::unique_ptr<Dataset> open_cached(const std::filesystem::path& file, const std::string& key,
                                     const std::function<Corpus()>& make, const Notice& notice = {});

/// Return a corpus as a Dataset in memory, without a file.
std::unique_ptr<Dataset> in_memory(const Corpus& corpus);

/// The header of a prepared file.
struct CacheSummary {
  std::uintmax_t bytes = 0;
  std::array<long, 3> examples{};  // by Split
  long sequences = 0;              // distinct ones, over all splits
  std::string fingerprint;
};

/// Read and verify the header only. Returns nothing for a missing file; throws a data error that names a damaged file
/// or one of another format.
std::optional<CacheSummary> summarise_cache(const std::filesystem::path& file);

/// Verify the whole file: the checksum of each block, and the fingerprint over every token and label. Returns what is
/// wrong with the file, which is then removed; empty when it is valid.
std::string flaw_of_cache(const std::filesystem::path& file);

}  // namespace lra
