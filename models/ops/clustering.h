/// Assigns tokens to centroids. Not differentiated.
#pragma once

#include <cstdint>
#include <vector>

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// Returns, for each row of x (n,D), the row of `centroids` (K,D) with the largest dot product; ties go to the first.
std::vector<std::int32_t> nearest_centroids(ConstView x, ConstView centroids);

/// Returns, for each row of `centroids` (K,D), the `count` rows of x (n,D) with the largest dot products, in ascending
/// order: K·count indices. Ties go to the first. Requires 1 ≤ count ≤ n.
std::vector<std::int32_t> top_members(ConstView x, ConstView centroids, long count);

}  // namespace lra::inline LRA_ENGINE
