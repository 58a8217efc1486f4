/// A first look at a user's own table files, all that is decided before examples are made: which files, what a heading
/// is, which labels there are, whether rows are pairs.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lra::tsv {

/// One row as it counts. Borrows from the cells it was made of.
struct Row {
  std::string_view label, text, second;
  bool paired = false;  // it has a second text; an empty one is none
};

/// Throws a data error that begins with `where` for a row without label or without text, or with too many columns.
Row row_of(const std::string& where, std::span<const std::string> cells);

/// What one file holds.
struct FileSurvey {
  struct Sighting {
    long rows = 0, line = 0;  // how many, and where the first is
  };
  std::string heading;  // its cells in words, when the first row is one
  std::map<std::string, Sighting, std::less<>> labels;
  long rows = 0;     // without the heading
  long trimmed = 0;  // labels with blanks around them
  bool paired = false;
  bool ignores_column = false;  // a third column that is empty in every row
};

struct Survey {
  std::array<std::filesystem::path, 3> files;  // by Split; none of validation when a part of training takes its place
  std::array<FileSurvey, 3> of;
  std::vector<std::string> labels;  // of the training file; label i of the examples
};

/// The three files of a folder. Throws a data error that names what is missing, for two files of one split, and for one
/// that only its name keeps from being read.
std::array<std::filesystem::path, 3> files_of(const std::filesystem::path& folder);

/// Reads all files once; asked again for the same state of them, remembers. Throws a data error with file and line for
/// what `row_of` refuses, for rows with and without a second text, for labels that training lacks or that differ in
/// spelling only, for a heading that stands there again or may be a row, for cells between semicolons, and when there
/// are fewer than 2 labels or more than 1,000.
std::shared_ptr<const Survey> survey(const std::filesystem::path& folder);

}  // namespace lra::tsv
