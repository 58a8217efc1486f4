/// Labels that people wrote: how they are ordered, told apart and shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lra {

/// Without the spaces around it, no-break ones and tabs among them.
std::string_view trimmed(std::string_view label);

/// By value where all are integers, otherwise by bytes.
void sort_labels(std::vector<std::string>& labels);

/// Equal for labels that are one label in two spellings: "Pos" and "pos", "1" and "1.0".
std::string spelling_free(std::string_view label);

/// The label in UTF-8 on one line: any byte that is no part of a character, or of a control character, as \xE9.
std::string shown(std::string_view label);

}  // namespace lra
