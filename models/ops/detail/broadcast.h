/// Broadcasting for element-wise ops: shapes are compared from the last dimension, a missing dimension has size 1, and
/// a size of 1 is repeated. All loops run in the order of the result's elements, so no sum depends on the number of
/// threads.
#pragma once

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// The strides of x as the operand of a four-dimensional result: 0 where its single element is repeated.
inline Shape repeating_strides(const Tensor& x) {
  Shape strides{0, 0, 0, 0};
  for (int i = 1; i <= x.rank(); ++i)
    if (x.dim(-i) != 1) strides[-i] = x.stride(-i);
  return strides;
}

/// Calls visit(element of a, element of b, element of c) on the first elements of every run along the last dimension of
/// `shape`, with the three steps from one element of a run to the next and the length of a run.
template <typename A, typename B, typename C, typename Visit>
void for_each_run(const Shape& shape, A& a, B& b, C& c, Visit visit) {
  Shape n{1, 1, 1, 1};
  for (int i = 1; i <= shape.rank(); ++i) n[-i] = shape[-i];
  const Shape p = repeating_strides(a), q = repeating_strides(b), r = repeating_strides(c);
  for (long i = 0; i < n[0]; ++i)
    for (long j = 0; j < n[1]; ++j)
      for (long k = 0; k < n[2]; ++k)
        visit(a.data() + i * p[0] + j * p[1] + k * p[2], b.data() + i * q[0] + j * q[1] + k * q[2],
              c.data() + i * r[0] + j * r[1] + k * r[2], p[3], q[3], r[3], n[3]);
}

/// y = f(a, b) element by element; a or b may be y.
template <typename F>
void combine(const Tensor& a, const Tensor& b, Tensor& y, F f) {
  for_each_run(y.shape(), a, b, y, [&](const Real* p, const Real* q, Real* to, long dp, long dq, long dto, long n) {
    for (long i = 0; i < n; ++i) to[i * dto] = f(p[i * dp], q[i * dq]);
  });
}

/// Adds x to `sums`, summed over the dimensions in which `sums` has size 1. Sums along a run are computed in double.
inline void add_reduced(const Tensor& x, Tensor& sums) {
  for_each_run(x.shape(), x, x, sums, [](const Real* from, const Real*, Real* to, long step, long, long dto, long n) {
    if (dto != 0) {
      for (long i = 0; i < n; ++i) to[i * dto] += from[i * step];
      return;
    }
    double sum = 0;
    for (long i = 0; i < n; ++i) sum += double(from[i * step]);
    *to += Real(sum);
  });
}

}  // namespace lra::inline LRA_ENGINE
