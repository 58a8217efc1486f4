/// Recognition of official files by the end of their paths.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace lra {

/// A file of official data, recognised by the end of its path alone.
struct OfficialFile {
  std::string layout;        // the set of files that are imported together: "imdb", "pathfinder32"
  std::string place;         // where the source looks for it, below the data folder
  std::string part;          // the group in which files are counted: "train/pos", "metadata"
  long official = 0;         // official number of items in the part; 0: unknown
  std::string archive = {};  // the name under which the source reads the layout's archive as it is; empty: it does not
  Json settings = Json::object();  // with which the source reads the layout
  std::string source = {};         // filled in by `recognise`
};

/// Return the official file at `path` according to the first source that recognises it; nothing when none does.
std::optional<OfficialFile> recognise(std::string_view path);

/// A path split into its names.
class PathNames {
 public:
  explicit PathNames(std::string_view path);

  /// Return name `i` from the end, 0 for the file's own; empty when there is none.
  const std::string& last(std::size_t i) const;
  /// All names, from the outermost folder to the file.
  const std::vector<std::string>& all() const { return names_; }

 private:
  std::vector<std::string> names_;
};

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names);

/// Whether the text is non-empty and consists of digits.
bool is_number(std::string_view text);

/// Return the part of the name between `prefix` and `suffix`; nothing when the name lacks either.
std::optional<std::string> stem_of(std::string_view name, std::string_view prefix, std::string_view suffix);

}  // namespace lra
