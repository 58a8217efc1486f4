/// Labels that people wrote: how they are ordered and told apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lra {

/// Without the white space around it, in the sense of Unicode, and without characters of no width: a byte order mark,
/// U+200B.
std::string_view trimmed(std::string_view label);

/// By value where all are integers, otherwise by bytes.
void sort_labels(std::vector<std::string>& labels);

/// Equal for labels that are one label in two spellings: "Pos" and "pos", "1" and "1.0", "\"a  b\"" and "a b", and for
/// two encodings of one accent.
std::string spelling_free(std::string_view label);

}  // namespace lra
