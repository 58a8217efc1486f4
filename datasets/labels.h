/// Comparison and order of labels in user data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lra {

/// Return the label without surrounding Unicode white space and without zero-width characters such as a byte order mark
/// or U+200B.
std::string_view trimmed(std::string_view label);

/// Sort labels by value when all are integers, otherwise by bytes.
void sort_labels(std::vector<std::string>& labels);

/// Return a key that is equal for two spellings of one label: "Pos" and "pos", "1" and "1.0", "\"a  b\"" and "a b", and
/// for two encodings of one accent.
std::string spelling_free(std::string_view label);

}  // namespace lra
