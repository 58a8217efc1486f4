/// Official files by the names that people have them under, wherever they come from.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"

namespace lra {

/// A file of official data, known from the end of its path alone.
struct OfficialFile {
  std::string layout;        // files that are imported together: "imdb", "pathfinder32"
  std::string place;         // where the source looks for it, below the data folder
  std::string part;          // what it is counted under: "train/pos", "metadata"
  long official = 0;         // how many the part has officially; 0: not known
  std::string archive = {};  // the name under which the source reads the layout's archive as it is; empty: it does not
  Json settings = Json::object();  // with which the source reads the layout
  std::string source = {};         // filled in by `recognise`
};

/// The file that lies at `path`, as the first source that knows it says; nothing for a path that no source knows.
std::optional<OfficialFile> recognise(std::string_view path);

/// A path as the names that it consists of.
class PathNames {
 public:
  explicit PathNames(std::string_view path);

  /// Name `i` from the end, 0 for the file's; empty where there is none.
  const std::string& last(std::size_t i) const;
  /// From the outermost folder to the file.
  const std::vector<std::string>& all() const { return names_; }

 private:
  std::vector<std::string> names_;
};

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names);

/// Whether the text consists of digits, and is not empty.
bool is_number(std::string_view text);

/// What of the name is left between `prefix` and `suffix`; nothing for a name that does not have both.
std::optional<std::string> stem_of(std::string_view name, std::string_view prefix, std::string_view suffix);

}  // namespace lra
