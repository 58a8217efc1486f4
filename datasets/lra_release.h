/// The archive of Long Range Arena's release, in which several sources have their files.
///
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021.
#pragma once

#include <string_view>

#include "datasets/download.h"

namespace lra::lra_release {

inline constexpr const char* kName = "lra_release";

/// Its size and checksums have not been published.
Download download();

/// How many of the release's own folders, lra_release/ and lra_release/lra_release/, the path leads through. The
/// release holds some data in both, and the copy further inside is the one that others use.
long depth_of(std::string_view path);

}  // namespace lra::lra_release
