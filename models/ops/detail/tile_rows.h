/// The rows of one head that attention tiles read and add to: in place where possible, otherwise through copies.
#pragma once

#include <span>
#include <utility>

#include "models/ops/detail/head_view.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {

inline bool consecutive(std::span<const long> at) { return at.back() - at.front() + 1 == long(at.size()); }

/// Calls f(row of the tile, position, count) for every run of consecutive positions.
template <typename F>
void for_each_range(std::span<const long> at, F f) {
  for (std::size_t r = 0, next; r < at.size(); r = next) {
    for (next = r + 1; next < at.size() && at[next] == at[next - 1] + 1;) ++next;
    f(long(r), at[r], long(next - r));
  }
}

/// The rows of a head that a tile uses: in place if they, padding included, are consecutive whole rows of a matrix;
/// otherwise through a copy, which costs less than products of scattered rows.
class TileRows {
 public:
  TileRows(long most, long width) : copy_(Tensor::empty({most, width})) {}

  ConstView read(ConstView x, std::span<const long> at, long padded) {
    return in_place(x, at, padded) ? part_of(x, at.front(), padded) : ConstView(copied(x, at, padded));
  }

  /// Rows of x += op(a) · b.
  void add_product(ConstView a, bool transpose_a, ConstView b, View x, std::span<const long> at, long padded) {
    if (in_place(x, at, padded))
      return kernels::gemm_tile(a, transpose_a, b, false, part_of(x, at.front(), padded), true);
    const View product = part_of(copy_, 0, padded);
    kernels::gemm_tile(a, transpose_a, b, false, product);
    for_each_range(at, [&](long r, long position, long count) {
      kernels::add_rows(part_of(product, r, count), part_of(x, position, count));
    });
  }

  /// A copy of the rows, padded by zeros; `write` stores it back.
  View copied(ConstView x, std::span<const long> at, long padded) {
    const View copy = part_of(copy_, 0, padded);
    for_each_range(at, [&](long r, long position, long count) {
      kernels::copy_rows(part_of(x, position, count), part_of(copy, r, count));
    });
    const long rows = long(at.size());
    kernels::fill(copy.data + rows * copy.cols, (padded - rows) * copy.cols, 0);
    return copy;
  }
  void write(View x, std::span<const long> at) const {
    for_each_range(at, [&](long r, long position, long count) {
      kernels::copy_rows(part_of(copy_, r, count), part_of(x, position, count));
    });
  }

 private:
  static bool in_place(const ConstView& x, std::span<const long> at, long padded) {
    return x.stride == x.cols && at.front() + padded <= x.rows && consecutive(at);
  }

  Tensor copy_;
};

/// Keys or values of a head for tiles to read: copied if several tiles read a row, otherwise in place (`once`).
class KeyRows {
 public:
  KeyRows(const Tensor& x, long begin, long n, long head, long width, bool once)
      : copy_(once ? Tensor() : padded_head(x, begin, n, head, width)),
        rows_(once ? head_view(x, begin, n, head, width) : std::as_const(copy_).matrix()) {}

  ConstView rows() const { return rows_; }

 private:
  Tensor copy_;
  ConstView rows_;
};

/// Where backward adds a head's gradient: in place (`direct`), or in a separate sum that `finish` adds.
class GradientRows {
 public:
  GradientRows(Tensor& place, long begin, long n, long head, long width, bool direct)
      : place_(head_view(place, begin, n, head, width)),
        sum_(direct ? Tensor() : Tensor::zeros({n + kTilePadding, width})) {}

  View rows() { return sum_.defined() ? sum_.matrix() : place_; }
  void finish() const {
    if (sum_.defined()) kernels::add_rows(part_of(sum_, 0, place_.rows), place_);
  }

 private:
  View place_;
  Tensor sum_;
};

}  // namespace lra::inline LRA_ENGINE
