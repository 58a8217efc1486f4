#include <fstream>

#include "core/fuzz/fuzz.h"

namespace lra::fuzz {

void write(const std::filesystem::path& file, std::span<const std::byte> content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(content.data()), std::streamsize(content.size()));
  if (!out.flush()) fail("cannot write {}", file.string());
}

}  // namespace lra::fuzz
