/// Reorders the dimensions of a tensor in memory.
#pragma once

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// Returns x with the given strides: x itself if it has them, otherwise a copy.
inline Tensor in_order(Tensor x, const Shape& strides) {
  bool same = true;
  for (int i = 0; i < x.rank(); ++i) same = same && (x.dim(i) == 1 || x.stride(i) == strides[i]);
  if (same) return x;
  Tensor y = Tensor::empty(x.shape()).view(x.shape(), strides);
  Shape dims{1, 1, 1, 1}, from{0, 0, 0, 0}, to{0, 0, 0, 0};
  for (int i = 0; i < x.rank(); ++i)
    dims[i - x.rank()] = x.dim(i), from[i - x.rank()] = x.stride(i), to[i - x.rank()] = strides[i];
  for (long a = 0; a < dims[0]; ++a)
    for (long b = 0; b < dims[1]; ++b)
      for (long c = 0; c < dims[2]; ++c)
        for (long d = 0; d < dims[3]; ++d)
          y.data()[a * to[0] + b * to[1] + c * to[2] + d * to[3]] =
              x.data()[a * from[0] + b * from[1] + c * from[2] + d * from[3]];
  return y;
}

/// Returns x with its dimensions in memory in the order of `like`.
inline Tensor in_order_of(Tensor x, const Tensor& like) {
  Shape strides = like.shape();
  for (int i = 0; i < like.rank(); ++i) strides[i] = like.stride(i);
  return in_order(std::move(x), strides);
}

}  // namespace lra::inline LRA_ENGINE
