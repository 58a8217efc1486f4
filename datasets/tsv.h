/// User data: labelled texts in a folder with train.tsv, valid.tsv and test.tsv.
///
/// A row is a label, a tab, a text and, for pairs, a tab and a second text. Instead of .tsv the files may be .csv, with
/// quotation marks as RFC 4180 says, and either may be compressed. The validation file may be called validation, dev or
/// val; without it a tenth of the training rows is held back, but never the last row of a class. A header row is
/// recognised. Labels are arbitrary words, stripped of surrounding blanks. They are sorted by value where all are
/// integers, otherwise by bytes, and numbered from 0. Texts are bytes in any encoding.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "datasets/source.h"

namespace lra::tsv {

/// Return the files that are read. Throws a data error that names what is missing.
std::vector<std::filesystem::path> inputs(const std::filesystem::path& folder);

/// The properties of the data that the rows determine.
struct Shape {
  std::vector<std::string> classes;  // the labels, as `shown` (core/text.h) returns them; number i is label i
  bool paired = false;
};

/// Return the shape of the data. Reads the files once per state of them. Throws as `tsv::survey` does.
Shape shape_of(const std::filesystem::path& folder);

/// Read all rows, with texts as bytes truncated to `length`. The corpus contains the findings. Throws as `shape_of`
/// does.
Corpus read(const std::filesystem::path& folder, long length);

}  // namespace lra::tsv
