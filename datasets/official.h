/// What official files are called, wherever they come from.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lra {

/// What a file of official data is, known from the end of its path alone.
struct OfficialFile {
  enum class Unit { file, row, row_below_heading, image };  // what of it is counted
  std::string layout;                                       // "imdb", "listops", "pathfinder32" …
  std::string place;                                        // where sources look for it, below the data folder
  std::string part;                                         // what is counted: "train/pos", "metadata"
  Unit unit = Unit::file;
  long official = 0;  // how many of them there are officially
};

/// Nothing for a path that is none of the official layouts'.
std::optional<OfficialFile> recognise(std::string_view path);

}  // namespace lra
