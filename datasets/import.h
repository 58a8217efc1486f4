/// Official data as people have them: in an archive or a folder, under some names or other, sometimes twice.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "datasets/official.h"

namespace lra {

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
  std::string lacking;  // what the source still misses below the data folder, in its words; empty: nothing
};

/// Puts what is recognised in `from` (an archive, a folder, or one file) where the sources look below `root`, and
/// counts it. An archive that a source reads as it is stays one; others, and files that are compressed by themselves,
/// are unpacked; of folders the files are copied. With `link` files stay where they are and are linked to (what would
/// have to be unpacked is a usage error). Where LRA's release holds a layout twice, the copy further inside counts.
///
/// Every file is read as its source will read it before the first is put in place, and all get their names when all are
/// whole. Throws a data error when nothing is recognised, for what a source would refuse, and as walk_archive does.
std::vector<Imported> import_data(const std::filesystem::path& from, const std::filesystem::path& root, bool link);

/// Reads `file`, which is to be called `name`, as an import of it does first of all. Throws as `import_data` does.
void check_import(const std::filesystem::path& file, const std::string& name);

}  // namespace lra
