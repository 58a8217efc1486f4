/// For tests of user data: temporary folders, and the errors that reading them throws.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/file.h"
#include "datasets/files_testing.h"
#include "datasets/tsv.h"

namespace lra {

/// Write a folder of user data: the rows `train` for training, and `others` for both validation and test.
inline void write(const std::filesystem::path& folder, const std::string& train, const std::string& others) {
  std::filesystem::create_directories(folder);
  write_file(folder / "train.tsv", train);
  write_file(folder / "valid.tsv", others);
  write_file(folder / "test.tsv", others);
}

/// Return the message of the data error that `read` throws for a folder of these files.
inline std::string refusal(const std::vector<std::pair<std::string, std::string>>& files) {
  const TemporaryFolder folder;
  for (const auto& [name, content] : files) write_file(folder / name, content);
  return sentence_of([&] { tsv::read(folder.path(), 10); }, Kind::data);
}

inline bool has(const std::vector<std::string>& sentences, const std::string& wanted) {
  return std::any_of(sentences.begin(), sentences.end(),
                     [&](const std::string& sentence) { return sentence.find(wanted) != std::string::npos; });
}

inline const std::string kRows = "pos\tgood\nneg\tbad\npos\tfine\nneg\tpoor\n";

}  // namespace lra
