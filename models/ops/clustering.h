/// Which tokens belong to which centroid: choices, not differentiated.
#pragma once

#include <cstdint>
#include <vector>

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// For each row of x (n,D) the row of `centroids` (K,D) of the largest product, the first of equals.
std::vector<std::int32_t> nearest_centroids(ConstView x, ConstView centroids);

/// For each row of `centroids` (K,D) the `count` rows of x (n,D) of the largest products, of equals the first, each
/// centroid's in ascending order: K·count numbers. Requires count ≤ n.
std::vector<std::int32_t> top_members(ConstView x, ConstView centroids, long count);

}  // namespace lra::inline LRA_ENGINE
