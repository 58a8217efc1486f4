/// A matrix in memory that belongs to something else.
#pragma once

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE {

/// rows × cols elements, row-major, each row contiguous; `stride` is the distance between rows in elements.
struct View {
  Real* data;
  long rows, cols, stride;
};

struct ConstView {
  const Real* data;
  long rows, cols, stride;
  ConstView(const Real* d, long r, long c, long s) : data(d), rows(r), cols(c), stride(s) {}
  ConstView(const View& v) : data(v.data), rows(v.rows), cols(v.cols), stride(v.stride) {}  // NOLINT: a View is one
};

}  // namespace lra::inline LRA_ENGINE
