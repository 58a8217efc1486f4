/// One head of one sequence's packed tokens, as a view or a copy, for ops that work head by head.
#pragma once

#include "models/ops/detail/tile_size.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// Head `head` of the n rows from `begin` of x (T, H·width), in place.
inline View head_view(Tensor& x, long begin, long n, long head, long width) {
  return {x.data() + begin * x.dim(1) + head * width, n, width, x.dim(1)};
}
inline ConstView head_view(const Tensor& x, long begin, long n, long head, long width) {
  return {x.data() + begin * x.dim(1) + head * width, n, width, x.dim(1)};
}

/// Rows `begin` … begin + count − 1 of a view.
inline View part_of(const View& x, long begin, long count) {
  return {x.data + begin * x.stride, count, x.cols, x.stride};
}
inline ConstView part_of(const ConstView& x, long begin, long count) {
  return {x.data + begin * x.stride, count, x.cols, x.stride};
}
/// Rows of a contiguous matrix.
inline View part_of(Tensor& x, long begin, long count) { return part_of(x.matrix(), begin, count); }
inline ConstView part_of(const Tensor& x, long begin, long count) { return part_of(x.matrix(), begin, count); }

/// A contiguous copy of the rows of one head, followed by kTilePadding zero rows.
inline Tensor padded_head(const Tensor& x, long begin, long n, long head, long width) {
  Tensor y = Tensor::empty({n + kTilePadding, width});
  kernels::copy_rows(head_view(x, begin, n, head, width), part_of(y, 0, n));
  kernels::fill(y.data() + n * width, kTilePadding * width, 0);
  return y;
}

/// Adds the first n rows of `from` to head `head` of `to`.
inline void add_to_head(const Tensor& from, Tensor& to, long begin, long n, long head) {
  kernels::add_rows(part_of(from, 0, n), head_view(to, begin, n, head, from.dim(1)));
}

}  // namespace lra::inline LRA_ENGINE
