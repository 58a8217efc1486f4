/// The archive of Long Range Arena's release, in which several sources have their files.
///
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021.
#pragma once

#include <string_view>

#include "datasets/download.h"

namespace lra::lra_release {

inline constexpr const char* kName = "lra_release";

/// The download of the archive, whose size and checksums have not been published.
Download download();

/// Return how many of the release's own folders, lra_release/ and lra_release/lra_release/, the path contains. The
/// release has some data in both, and published results use the inner copy.
long depth_of(std::string_view path);

}  // namespace lra::lra_release
