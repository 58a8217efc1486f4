/// Deduplication of sequences by hash and comparison.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <unordered_map>

#include "datasets/checksum.h"

namespace lra {

/// Numbers distinct sequences 0, 1, 2 … in the order of their first occurrence.
class DistinctSequences {
 public:
  /// Return the number of `sequence`, a new one unless an equal sequence has one. `at(number)` must return the
  /// sequences so far.
  template <typename At>
  std::uint32_t number(std::span<const std::uint16_t> sequence, At&& at) {
    const std::uint64_t hash = checksum(std::as_bytes(sequence));
    const auto [begin, end] = numbers_.equal_range(hash);
    for (auto candidate = begin; candidate != end; ++candidate) {
      const std::span<const std::uint16_t> known = at(candidate->second);
      if (std::equal(known.begin(), known.end(), sequence.begin(), sequence.end())) return candidate->second;
    }
    return numbers_.emplace(hash, std::uint32_t(numbers_.size()))->second;
  }

  std::size_t size() const { return numbers_.size(); }

 private:
  std::unordered_multimap<std::uint64_t, std::uint32_t> numbers_;
};

}  // namespace lra
