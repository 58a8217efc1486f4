/// A user's own labelled texts: a folder with train.tsv, valid.tsv and test.tsv.
///
/// A row is a label, a tab, a text and, for pairs, a tab and a second text; no row is a heading, quotation marks mean
/// nothing. Labels are any words. Where all are integers they are put in the order of their values, otherwise of their
/// bytes, and numbered from 0.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets/source.h"

namespace lra::tsv {

/// The three files, by split. Throws a data error that names the one that is missing.
std::array<std::filesystem::path, 3> files_of(const std::filesystem::path& folder);

/// What the training rows say of the data.
struct Shape {
  std::vector<std::string> labels;  // label i of the examples
  bool paired = false;
};

/// Reads the training file once; asked again for the same state of it, remembers. Throws a data error with file and
/// line for a row without text, and when there are fewer than 2 labels or more than 1,000.
Shape shape_of(const std::filesystem::path& folder);

/// All rows, the texts as bytes cut to `length`. Throws a data error with file and line for a row that does not have
/// the columns of the first training row, and for a label that no training row has.
Corpus read(const std::filesystem::path& folder, long length);

}  // namespace lra::tsv
