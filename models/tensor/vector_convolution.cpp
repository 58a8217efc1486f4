/// Long convolutions by a fast Fourier transform whose vector lanes are columns.
///
/// The product of two real polynomials modulo X^2P + 1 is their product modulo X^P − i, if X^t and X^(t+P) have the
/// real and the imaginary part of one complex coefficient. So P points hold 2P real coefficients, and a sequence of up
/// to P rows needs no zeros behind it, although filters reach P rows in both directions. Both factors are evaluated at
/// the P roots of X^P = i and multiplied there; the conjugate values of a filter are those of the filter with its lags
/// negated.
///
/// X^m − d^4 is the product over k = 0 … 3 of X^(m/4) − i^k·d. Evaluation therefore divides blocks of coefficients in
/// place, with one constant d per block, which stays in registers. The values come in the order of the last blocks,
/// which does not matter to products, and interpolation joins the blocks again.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <numbers>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/tensor/vector_convolution.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>

#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/vector_lanes-inl.h"

#ifndef LRA_MODELS_TENSOR_VECTOR_CONVOLUTION_ONCE
#define LRA_MODELS_TENSOR_VECTOR_CONVOLUTION_ONCE
namespace lra::inline LRA_ENGINE::kernels {

/// A complex constant.
struct Root {
  float re, im;
};

/// The constants of the blocks for a number of points, in order of the blocks. The first level divides by 1, 2, 3 or 5,
/// and every other one by 4.
struct Roots {
  static constexpr long kMostParts = 5;
  using Matrix = std::array<std::array<Root, kMostParts>, kMostParts>;
  using Powers = std::array<Root, 3>;  // d, d², d³

  long points, parts;
  Matrix divide, join;  // the first level, and its inverse times `parts`
  std::vector<std::vector<Powers>> levels;

  explicit Roots(long count) : points(count), parts(count), divide{}, join{} {
    while (parts % 4 == 0) parts /= 4;
    std::vector<double> angles;  // of the roots d^4 of a level's blocks, in turns
    for (long k = 0; k < parts; ++k) angles.push_back((0.25 + double(k)) / double(parts));
    for (std::size_t k = 0; k < angles.size(); ++k)
      for (std::size_t t = 0; t < angles.size(); ++t) {
        divide[k][t] = unit(double(t) * angles[k]);
        join[t][k] = unit(-double(t) * angles[k]);
      }
    for (long blocks = parts; blocks < points; blocks *= 4) angles = add_level(angles);
  }

  /// Those for sequences of n rows; computes them once per program.
  static const Roots& of(long n) {
    static std::mutex mutex;
    static std::map<long, Roots> all;
    const long points = transform_length(n);
    const std::lock_guard lock(mutex);
    return all.try_emplace(points, points).first->second;
  }

 private:
  static Root unit(double turns) {
    const double angle = 2 * std::numbers::pi * turns;
    return {float(std::cos(angle)), float(std::sin(angle))};
  }

  std::vector<double> add_level(const std::vector<double>& angles) {
    std::vector<double> below;
    levels.emplace_back();
    for (const double angle : angles) {
      levels.back().push_back({unit(angle / 4), unit(angle / 2), unit(angle * 3 / 4)});
      for (int k = 0; k < 4; ++k) below.push_back((angle + k) / 4);
    }
    return below;
  }
};

}  // namespace lra::inline LRA_ENGINE::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

/// A tile is one vector of columns; each of its rows has the real parts, then the imaginary parts.
constexpr long kRow = 2 * kLanes;
/// Blocks of so many rows are finished while they are in the nearest cache.
constexpr long kCachedRows = 256;

struct Complex {
  V re, im;
};
HWY_INLINE Complex load_point(const float* p) { return {load(p), load(p + kLanes)}; }
HWY_INLINE void store_point(Complex z, float* p) {
  store(z.re, p);
  store(z.im, p + kLanes);
}
HWY_INLINE Complex constant(Root root) { return {set(root.re), set(root.im)}; }
HWY_INLINE Complex sum(Complex a, Complex b) { return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)}; }
HWY_INLINE Complex difference(Complex a, Complex b) { return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)}; }
HWY_INLINE Complex sum_turned(Complex a, Complex b) {  // a + i·b
  return {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)};
}
HWY_INLINE Complex difference_turned(Complex a, Complex b) {  // a − i·b
  return {hn::Add(a.re, b.im), hn::Sub(a.im, b.re)};
}
HWY_INLINE Complex product(Complex a, Complex b) {
  return {hn::NegMulAdd(a.im, b.im, hn::Mul(a.re, b.re)), hn::MulAdd(a.re, b.im, hn::Mul(a.im, b.re))};
}
HWY_INLINE Complex conjugate_product(Complex a, Complex b) {  // a · conj(b)
  return {hn::MulAdd(a.im, b.im, hn::Mul(a.re, b.re)), hn::NegMulAdd(a.re, b.im, hn::Mul(a.im, b.re))};
}

/// From coefficients modulo X^rows − d^4 to those modulo each X^(rows/4) − i^k·d.
HWY_INLINE void divide_block(const Roots::Powers& powers, long rows, float* z) {
  const Complex d1 = constant(powers[0]), d2 = constant(powers[1]), d3 = constant(powers[2]);
  const long step = rows / 4 * kRow;
  for (float* p = z; p < z + step; p += kRow) {
    const Complex a = load_point(p), b = product(load_point(p + step), d1);
    const Complex c = product(load_point(p + 2 * step), d2), d = product(load_point(p + 3 * step), d3);
    const Complex even = sum(a, c), other = difference(a, c), odd = sum(b, d), rest = difference(b, d);
    store_point(sum(even, odd), p);
    store_point(sum_turned(other, rest), p + step);
    store_point(difference(even, odd), p + 2 * step);
    store_point(difference_turned(other, rest), p + 3 * step);
  }
}

/// The inverse of divide_block, times 4.
HWY_INLINE void join_block(const Roots::Powers& powers, long rows, float* z) {
  const Complex d1 = constant(powers[0]), d2 = constant(powers[1]), d3 = constant(powers[2]);
  const long step = rows / 4 * kRow;
  for (float* p = z; p < z + step; p += kRow) {
    const Complex a = load_point(p), b = load_point(p + step);
    const Complex c = load_point(p + 2 * step), d = load_point(p + 3 * step);
    const Complex even = sum(a, c), other = difference(a, c), odd = sum(b, d), rest = difference(b, d);
    store_point(sum(even, odd), p);
    store_point(conjugate_product(difference_turned(other, rest), d1), p + step);
    store_point(conjugate_product(difference(even, odd), d2), p + 2 * step);
    store_point(conjugate_product(sum_turned(other, rest), d3), p + 3 * step);
  }
}

/// The first level: multiplies each group of rows, one from each of the `parts` blocks, by a matrix.
HWY_INLINE void mix_parts(const Roots& roots, const Roots::Matrix& matrix, float* z) {
  const long parts = roots.parts, step = roots.points / parts * kRow;
  if (parts == 1) return;
  for (float* p = z; p < z + step; p += kRow) {
    HWY_ALIGN float in[Roots::kMostParts * kRow];
    for (long t = 0; t < parts; ++t) store_point(load_point(p + t * step), in + t * kRow);
    for (long k = 0; k < parts; ++k) {
      const auto& row = matrix[std::size_t(k)];
      Complex out = product(load_point(in), constant(row[0]));
      for (long t = 1; t < parts; ++t)
        out = sum(out, product(load_point(in + t * kRow), constant(row[std::size_t(t)])));
      store_point(out, p + k * step);
    }
  }
}

/// All levels below `level`, for one of its blocks: depth first, so that memory far away is read once per few levels.
void divide_all(const Roots& roots, std::size_t level, long block, long rows, float* z) {
  if (rows > kCachedRows) {
    divide_block(roots.levels[level][std::size_t(block)], rows, z);
    for (long k = 0; k < 4; ++k) divide_all(roots, level + 1, 4 * block + k, rows / 4, z + k * (rows / 4) * kRow);
    return;
  }
  for (long parts = 1; parts < rows; parts *= 4, ++level)
    for (long k = 0; k < parts; ++k)
      divide_block(roots.levels[level][std::size_t(block * parts + k)], rows / parts, z + k * (rows / parts) * kRow);
}

void join_all(const Roots& roots, std::size_t level, long block, long rows, float* z) {
  if (rows > kCachedRows) {
    for (long k = 0; k < 4; ++k) join_all(roots, level + 1, 4 * block + k, rows / 4, z + k * (rows / 4) * kRow);
    join_block(roots.levels[level][std::size_t(block)], rows, z);
    return;
  }
  std::size_t deepest = roots.levels.size();
  for (long parts = rows / 4; parts > 0; parts /= 4) {
    --deepest;
    for (long k = 0; k < parts; ++k)
      join_block(roots.levels[deepest][std::size_t(block * parts + k)], rows / parts, z + k * (rows / parts) * kRow);
  }
}

/// From the coefficients of a tile to its values at the roots.
void evaluate(const Roots& roots, float* z) {
  const long rows = roots.points / roots.parts;
  mix_parts(roots, roots.divide, z);
  for (long k = 0; k < roots.parts; ++k) divide_all(roots, 0, k, rows, z + k * rows * kRow);
}

/// The inverse of evaluate, times the number of points.
void interpolate(const Roots& roots, float* z) {
  const long rows = roots.points / roots.parts;
  for (long k = 0; k < roots.parts; ++k) join_all(roots, 0, k, rows, z + k * rows * kRow);
  mix_parts(roots, roots.join, z);
}

/// The first `cols` columns, at most a vector, of a row.
HWY_INLINE V load_columns(const float* p, long cols) { return cols >= kLanes ? load(p) : load_first(p, cols); }
HWY_INLINE void store_columns(V v, float* p, long cols) {
  if (cols >= kLanes)
    store(v, p);
  else
    store_first(v, p, cols);
}

/// Rows of a matrix, from column c, as the coefficients of a tile, followed by zeros.
void load_rows(ConstView x, long c, long points, float* z) {
  const V zero = hn::Zero(kFloats);
  for (long t = 0; t < points; ++t)
    store_point({t < x.rows ? load_columns(x.data + t * x.stride + c, x.cols - c) : zero, zero}, z + t * kRow);
}

void make_filter(ConstView after, ConstView before, float* filter) {
  const Roots& roots = Roots::of(after.rows);
  const long points = roots.points;
  for (long c = 0; c < after.cols; c += kLanes, filter += points * kRow) {
    load_rows(after, c, points, filter);
    for (long i = 0; i < before.rows; ++i)
      store(hn::Neg(load_columns(before.data + i * before.stride + c, before.cols - c)),
            filter + (points - 1 - i) * kRow + kLanes);
    evaluate(roots, filter);
  }
}

void filter_gradient(float* dfilter, View dafter, View dbefore) {
  const Roots& roots = Roots::of(dafter.rows);
  const long points = roots.points;
  const V share = set(1 / float(points));
  for (long c = 0; c < dafter.cols; c += kLanes, dfilter += points * kRow) {
    interpolate(roots, dfilter);
    const long cols = dafter.cols - c;
    for (long i = 0; i < dafter.rows; ++i) {
      float* to = dafter.data + i * dafter.stride + c;
      store_columns(hn::MulAdd(load(dfilter + i * kRow), share, load_columns(to, cols)), to, cols);
    }
    for (long i = 0; i < dbefore.rows; ++i) {
      float* to = dbefore.data + i * dbefore.stride + c;
      const V from = load(dfilter + (points - 1 - i) * kRow + kLanes);
      store_columns(hn::NegMulAdd(from, share, load_columns(to, cols)), to, cols);
    }
  }
}

void convolve(const float* filter, ConstView x, View y, float* z) {
  const Roots& roots = Roots::of(x.rows);
  const long points = roots.points;
  const V share = set(1 / float(points));
  for (long c = 0; c < x.cols; c += kLanes, filter += points * kRow) {
    load_rows(x, c, points, z);
    evaluate(roots, z);
    for (long i = 0; i < points * kRow; i += kRow)
      store_point(product(load_point(z + i), load_point(filter + i)), z + i);
    interpolate(roots, z);
    for (long t = 0; t < y.rows; ++t)
      store_columns(hn::Mul(load(z + t * kRow), share), y.data + t * y.stride + c, y.cols - c);
  }
}

void convolve_backward(const float* filter, ConstView x, ConstView dy, View dx, float* dfilter, float* scratch) {
  const Roots& roots = Roots::of(x.rows);
  const long points = roots.points;
  const V share = set(1 / float(points));
  float *z = scratch, *dz = scratch + points * kRow;
  for (long c = 0; c < x.cols; c += kLanes, filter += points * kRow, dfilter += points * kRow) {
    load_rows(x, c, points, z);
    load_rows(dy, c, points, dz);
    evaluate(roots, z);
    evaluate(roots, dz);
    for (long i = 0; i < points * kRow; i += kRow) {
      const Complex d = load_point(dz + i);
      store_point(sum(load_point(dfilter + i), conjugate_product(d, load_point(z + i))), dfilter + i);
      store_point(conjugate_product(d, load_point(filter + i)), dz + i);
    }
    interpolate(roots, dz);
    const long cols = dx.cols - c;
    for (long t = 0; t < dx.rows; ++t) {
      float* to = dx.data + t * dx.stride + c;
      store_columns(hn::MulAdd(load(dz + t * kRow), share, load_columns(to, cols)), to, cols);
    }
  }
}

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lra::inline LRA_ENGINE::kernels {

HWY_EXPORT(make_filter);
HWY_EXPORT(filter_gradient);
HWY_EXPORT(convolve);
HWY_EXPORT(convolve_backward);

void make_filter(ConstView after, ConstView before, Real* filter) {
  HWY_DYNAMIC_DISPATCH(make_filter)(after, before, filter);
}
void filter_gradient(Real* dfilter, View dafter, View dbefore) {
  HWY_DYNAMIC_DISPATCH(filter_gradient)(dfilter, dafter, dbefore);
}
void convolve(const Real* filter, ConstView x, View y, Real* scratch) {
  HWY_DYNAMIC_DISPATCH(convolve)(filter, x, y, scratch);
}
void convolve_backward(const Real* filter, ConstView x, ConstView dy, View dx, Real* dfilter, Real* scratch) {
  HWY_DYNAMIC_DISPATCH(convolve_backward)(filter, x, dy, dx, dfilter, scratch);
}

}  // namespace lra::inline LRA_ENGINE::kernels
#endif
