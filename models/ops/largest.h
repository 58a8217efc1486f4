/// The largest entries of rows: a choice, which has no derivative.
#pragma once

#include <vector>

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// The columns of the `count` largest entries of each row of x (T,C), largest first, the first of equals before the
/// others: T·count of them.
std::vector<long> largest_columns(const Tensor& x, long count);

}  // namespace lra::inline LRA_ENGINE
