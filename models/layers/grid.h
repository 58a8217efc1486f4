/// Sequences as rows and columns, for models that see along both.
#pragma once

#include <cmath>

#include "models/layers/mixer.h"

namespace lra::inline LRA_ENGINE {

/// Row-major: cell (row, column) is the token at first + row · width + column.
struct Grid {
  long width;  // columns
  long first;  // 1 where a CLS slot precedes an image, otherwise 0

  /// That of the image behind the sequence; where there is none, the squarest that holds the task's longest sequence.
  static Grid of(const LayerDims& dims) {
    if (dims.image_width == 0) return {std::max(1L, long(std::ceil(std::sqrt(double(dims.length))))), 0};
    return {dims.image_width, dims.length == dims.height * dims.image_width + 1};
  }
  /// Rows that a sequence of n tokens reaches into.
  long rows(long n) const { return (n - first + width - 1) / width; }
};

}  // namespace lra::inline LRA_ENGINE
