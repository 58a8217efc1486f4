/// Official data as people have them: in an archive or a folder, under some names or other, sometimes twice.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

struct Imported {
  struct Part {
    std::string name;
    long found = 0, official = 0;
  };
  std::string layout;
  std::filesystem::path place;  // folder or archive, below the data folder
  std::string how;              // "copied", "linked" or "unpacked"
  long files = 0;
  long left_out = 0;  // files of an outer copy, where the archive has the same data further inside
  std::vector<Part> parts;
};

/// Puts what is recognised in `from` (an archive, a folder, or one file) where the sources look below `root`, and
/// counts it. An archive that a source reads as it is stays one; others are unpacked; of folders the files are copied.
/// With `link` files stay where they are and are linked to (an archive that would have to be unpacked is a usage
/// error). Where LRA's release holds a layout twice, the copy further inside counts. Throws a data error when nothing
/// is recognised, and as walk_archive does.
std::vector<Imported> import_data(const std::filesystem::path& from, const std::filesystem::path& root, bool link);

}  // namespace lra
