/// The import of official data from an archive or a folder of any layout.
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
  long left_out = 0;  // files of an outer copy that were skipped for the inner one
  std::vector<Part> parts;
  std::string lacking;  // what the source still lacks below the data folder, as its error; empty: nothing
};

/// Import the official files that `from` (an archive, a folder, or one file) contains to the places below `root` where
/// the sources look, and count them. An archive that a source reads directly is kept; other archives and compressed
/// files are unpacked, and the files of folders are copied. With `link` files are linked instead of copied (a usage
/// error when they would have to be unpacked). Where LRA's release has a layout twice, the inner copy is used.
///
/// Every file is checked as its source will read it before the first is written, and the files are renamed once all are
/// complete. Throws a data error when nothing is recognised, for files that a source would refuse, and as walk_archive
/// does.
std::vector<Imported> import_data(const std::filesystem::path& from, const std::filesystem::path& root, bool link);

/// Check `file` as an import under the name `name` would. Throws as `import_data` does.
void check_import(const std::filesystem::path& file, const std::string& name);

}  // namespace lra
