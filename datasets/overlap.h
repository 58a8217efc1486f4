/// Detection of examples that occur in several splits, on which a test measures memorisation.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "datasets/source.h"

namespace lra {

/// Return a sentence such as "6 of 6 test texts are also training texts" for each overlap of test with training,
/// validation with training, and test with validation; none where nothing is shared. Labels are ignored. `keys` has a
/// number for each example of each split, equal exactly for equal examples; `noun` names an example, such as "text".
std::vector<std::string> overlaps(const std::array<std::vector<std::uint64_t>, 3>& keys, const std::string& noun);

/// The same for the examples of a corpus.
std::vector<std::string> overlaps(const Corpus& corpus, const std::string& noun);

}  // namespace lra
