/// For tests: the folder of official data, if there is one.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/core_testing.h"
#include "core/source_folder_testing.h"

namespace lra {

/// Return the folder of official data for tests: LRA_DATA_TEST, or shared/data beside the source tree.
inline std::filesystem::path real_data() {
  const char* given = std::getenv("LRA_DATA_TEST");
  return given ? std::filesystem::path(given) : source_folder() / "../shared/data";
}

}  // namespace lra
