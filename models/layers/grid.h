/// Sequences as two-dimensional grids, for models that attend along rows and columns.
#pragma once

#include <cmath>

#include "models/layers/mixer.h"

namespace lra::inline LRA_ENGINE {

/// Row-major: cell (row, column) is the token at first + row · width + column.
struct Grid {
  long width;  // columns
  long first;  // 1 if a cls token precedes an image, otherwise 0

  /// The grid of the sequence's image; without an image, the squarest grid that holds the task's longest sequence.
  static Grid of(const LayerDims& dims) {
    if (dims.image_width == 0) return {std::max(1L, long(std::ceil(std::sqrt(double(dims.length))))), 0};
    return {dims.image_width, dims.length == dims.height * dims.image_width + 1};
  }
  /// The number of rows that a sequence of n tokens occupies.
  long rows(long n) const { return (n - first + width - 1) / width; }
};

}  // namespace lra::inline LRA_ENGINE
