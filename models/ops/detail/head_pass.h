/// Passes over one head of one sequence, from either end, for recurrences that work head by head.
#pragma once

#include <vector>

#include "models/ops/recurrences.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// One pass over one head of one sequence, which begins at token `begin`.
struct Pass {
  long begin, n, head;
  bool reversed, strict;  // from the last token to the first; without the query's own key
  long token(long i) const { return begin + (reversed ? n - 1 - i : i); }
};

/// The passes of all sequences and heads. In `both`, the reversed ones are strict.
inline std::vector<Pass> passes_of(const SequenceLayout& layout, long head_count, Direction direction) {
  std::vector<Pass> passes;
  for (long s = 0; s < layout.count(); ++s)
    for (long h = 0; h < head_count; ++h) {
      const long begin = layout.begin(s), n = layout.size(s);
      if (direction != Direction::backward) passes.push_back({begin, n, h, false, false});
      if (direction != Direction::forward) passes.push_back({begin, n, h, true, direction == Direction::both});
    }
  return passes;
}

/// The head's columns of x in the order of the pass (n,width).
inline Tensor in_order(const Tensor& x, const Pass& p, long width) {
  Tensor y = Tensor::empty({p.n, width});
  for (long i = 0; i < p.n; ++i)
    kernels::copy(x.data() + p.token(i) * x.dim(1) + p.head * width, y.data() + i * width, width);
  return y;
}

/// Adds rows in the order of the pass to the head's columns of y.
inline void add_in_order(const Tensor& x, const Pass& p, Tensor& y) {
  const long width = x.dim(1);
  for (long i = 0; i < p.n; ++i)
    kernels::add(x.data() + i * width, y.data() + p.token(i) * y.dim(1) + p.head * width, width);
}

/// A rectangle of a matrix.
template <typename Matrix>
Matrix block(const Matrix& x, long row, long rows, long column, long columns) {
  return {x.data + row * x.stride + column, rows, columns, x.stride};
}

}  // namespace lra::inline LRA_ENGINE
