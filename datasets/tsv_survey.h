/// The survey of user data, which decides before examples are made: the files, the header rows, the labels, whether
/// rows are pairs.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lra::tsv {

/// One parsed row. Borrows from its cells.
struct Row {
  std::string_view label, text, second;
  bool paired = false;  // it has a second, non-empty text
};

/// Throws a data error that begins with `where` for a row without label or without text, or with too many columns.
Row row_of(const std::string& where, std::span<const std::string> cells);

/// The survey of one file.
struct FileSurvey {
  struct Sighting {
    long rows = 0, line = 0;  // rows with the label, and the line of the first
  };
  std::string heading;  // the cells of the header row, if there is one
  std::map<std::string, Sighting, std::less<>> labels;
  long rows = 0;     // without the header row
  long trimmed = 0;  // labels with blanks around them
  bool paired = false;
  bool ignores_column = false;  // a third column that is empty in every row
};

struct Survey {
  std::array<std::filesystem::path, 3> files;  // by Split; none of validation when a part of training takes its place
  std::array<FileSurvey, 3> of;
  std::vector<std::string> labels;  // of the training file; label i of the examples
};

/// Return the three files of a folder. Throws a data error that names what is missing, for two files of one split, and
/// for a file that would be read under another name.
std::array<std::filesystem::path, 3> files_of(const std::filesystem::path& folder);

/// Survey all files, once per state of them. Throws a data error with file and line for rows that `row_of` refuses, for
/// a mix of rows with and without a second text, for labels that training lacks or that differ in spelling only, for a
/// header row that occurs twice or may be a data row, for cells separated by semicolons, and when there are fewer than
/// 2 labels or more than 1,000.
std::shared_ptr<const Survey> survey(const std::filesystem::path& folder);

}  // namespace lra::tsv
