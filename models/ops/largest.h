/// The largest entries of each row. Not differentiated.
#pragma once

#include <vector>

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// Returns the columns of the `count` largest entries of each row of x (T,C), largest first: T·count columns. Ties go
/// to the first.
std::vector<long> largest_columns(const Tensor& x, long count);

}  // namespace lra::inline LRA_ENGINE
