/// Replaces libFuzzer's main: runs a target over every file of the given folders, sorted by path.
#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "core/fuzz/fuzz.h"

int main(int count, char** arguments) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < count; ++i)
    if (std::string_view(arguments[i])[0] != '-')
      for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    const std::string content = lra::read_file(file);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
  }
  std::printf("%zu saved inputs\n", files.size());
  return files.empty() ? 1 : 0;
}
