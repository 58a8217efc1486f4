/// A user's own labelled texts: a folder with train.tsv, valid.tsv and test.tsv.
///
/// A row is a label, a tab, a text and, for pairs, a tab and a second text. Instead of .tsv the files may be .csv, with
/// quotation marks as RFC 4180 says, and either may be compressed; validation may be called validation, dev or val, and
/// without it a tenth of the training rows is held back, of each class but its last row. A heading is recognised.
/// Labels are any words, without the blanks around them. Where all are integers they are put in the order of their
/// values, otherwise of their bytes, and numbered from 0. Texts are bytes, in whatever encoding.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "datasets/source.h"

namespace lra::tsv {

/// The files that are read. Throws a data error that names what is missing.
std::vector<std::filesystem::path> inputs(const std::filesystem::path& folder);

/// What the rows say of the data.
struct Shape {
  std::vector<std::string> classes;  // the labels, as `shown` (datasets/labels.h) shows them; number i is label i
  bool paired = false;
};

/// Reads the files once; asked again for the same state of them, remembers. Throws as `tsv::survey` does.
Shape shape_of(const std::filesystem::path& folder);

/// All rows, the texts as bytes cut to `length`; what was found in them is told in the corpus' findings. Throws as
/// `shape_of` does.
Corpus read(const std::filesystem::path& folder, long length);

}  // namespace lra::tsv
