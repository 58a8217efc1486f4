/// Examples that stand in more than one split: who tests on them measures memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "datasets/source.h"

namespace lra {

/// A sentence for each of: test in training, validation in training, test in validation, such as "6 of 6 test texts are
/// also training texts"; none where nothing is shared. Labels do not count. `keys` has a number for each example of
/// each split, equal for equal examples alone; `noun` is what one is called, "text".
std::vector<std::string> overlaps(const std::array<std::vector<std::uint64_t>, 3>& keys, const std::string& noun);

/// The same, examples being as the corpus has them.
std::vector<std::string> overlaps(const Corpus& corpus, const std::string& noun);

}  // namespace lra
