/// Labels that people wrote: how they are ordered and told apart.
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

}  // namespace lra
