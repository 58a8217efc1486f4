#include "core/source_folder_testing.h"

namespace lra {

std::filesystem::path source_folder() { return LRA_SOURCE_DIR; }

}  // namespace lra
