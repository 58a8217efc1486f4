/// Locality-sensitive hashing of tokens into buckets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// A number of buckets, factored into one or two even numbers so that many buckets need few rotations. The product is
/// at least `wanted`. Up to 32 buckets are one factor; 1 stays 1.
struct Buckets {
  long first, second;

  explicit Buckets(long wanted);
  long count() const { return first * second; }
  /// The number of rotation rows that hash_directions needs.
  long rotations() const { return first / 2 + (second > 1 ? second / 2 : 0); }
};

/// Returns the bucket of each row of x (n,D): argmax over [xR; −xR] with R from the rows of `rotations` (at least
/// buckets.rotations(),D); ties go to the first. Andoni et al. arXiv:1509.02897, §3. Not differentiated.
std::vector<std::int32_t> hash_directions(ConstView x, ConstView rotations, const Buckets& buckets);

/// Returns 0 … n − 1 sorted stably by key. Keys are in 0 … `bound` − 1.
std::vector<std::int32_t> stable_order(std::span<const std::int32_t> keys, long bound);

}  // namespace lra::inline LRA_ENGINE
