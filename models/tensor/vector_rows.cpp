#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/tensor/vector_rows.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>

#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/vector_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

/// Sums over many rows first sum panels of this many, so that rounding errors grow only with the size of a panel.
constexpr long kPanel = 32;

HWY_INLINE float sum_row(const float* x, long n) {
  return sum_of(
      n, [](V acc, V v) HWY_ATTR { return hn::Add(acc, v); }, x);
}

HWY_INLINE float dot(const float* a, const float* b, long n) {
  return sum_of(
      n, [](V acc, V u, V v) HWY_ATTR { return hn::MulAdd(u, v, acc); }, a, b);
}

/// Rows that layer_norm processes at a time, to hide the latency of each row's sum and square root.
constexpr long kNormRows = 16;

/// The mean as the sum of two floats, because one float is too coarse if the mean is much larger than the deviations.
struct Centre {
  float near, far;
  HWY_INLINE V of(V v) const { return hn::Sub(hn::Sub(v, set(near)), set(far)); }
};

HWY_INLINE void norm_rows(const float* x, const float* gamma, const float* beta, long rows, long cols, float epsilon,
                          float* y, float* mean, float* rstd) {
  const float share = 1.0f / float(cols);
  Centre centre[kNormRows];
  for (long r = 0; r < rows; ++r) centre[r].near = sum_row(x + r * cols, cols) * share;
  for (long r = 0; r < rows; ++r) {
    const V near = set(centre[r].near);
    const auto rest = [=](V acc, V v) HWY_ATTR { return hn::Add(acc, hn::Sub(v, near)); };
    centre[r].far = sum_of(cols, rest, x + r * cols) * share;
    mean[r] = centre[r].near + centre[r].far;
  }
  for (long r = 0; r < rows; ++r) {
    const auto square = [c = centre[r]](V acc, V v) HWY_ATTR {
      const V d = c.of(v);
      return hn::MulAdd(d, d, acc);
    };
    rstd[r] = 1.0f / std::sqrt(sum_of(cols, square, x + r * cols) * share + epsilon);
  }
  for (long r = 0; r < rows; ++r) {
    const V factor = set(rstd[r]);
    const auto normalise = [c = centre[r], factor](V v, V g, V b)
                               HWY_ATTR { return hn::MulAdd(hn::Mul(c.of(v), factor), g, b); };
    map(y + r * cols, cols, normalise, x + r * cols, gamma, beta);
  }
}

void layer_norm(const float* x, const float* gamma, const float* beta, long rows, long cols, float epsilon, float* y,
                float* mean, float* rstd) {
  for (long r = 0; r < rows; r += kNormRows)
    norm_rows(x + r * cols, gamma, beta, std::min(kNormRows, rows - r), cols, epsilon, y + r * cols, mean + r,
              rstd + r);
}

/// dgamma and dbeta of one panel of rows.
HWY_INLINE void add_norm_columns(const float* x, const float* mean, const float* rstd, const float* dy, long rows,
                                 long cols, float* dgamma, float* dbeta) {
  for (long c = 0; c < cols; c += kLanes) {
    const long n = std::min(kLanes, cols - c);
    const bool whole = n == kLanes;
    V scale_sum = hn::Zero(kFloats), shift_sum = hn::Zero(kFloats);
    for (long r = 0; r < rows; ++r) {
      const long at = r * cols + c;
      const V v = whole ? load(x + at) : load_first(x + at, n);
      const V d = whole ? load(dy + at) : load_first(dy + at, n);
      scale_sum = hn::MulAdd(d, hn::Mul(hn::Sub(v, set(mean[r])), set(rstd[r])), scale_sum);
      shift_sum = hn::Add(shift_sum, d);
    }
    const auto plus = [](V a) HWY_ATTR { return [a](long, V b) HWY_ATTR { return hn::Add(b, a); }; };
    map_indexed(dgamma + c, n, plus(scale_sum), dgamma + c);
    map_indexed(dbeta + c, n, plus(shift_sum), dbeta + c);
  }
}

void layer_norm_backward(const float* x, const float* gamma, const float* mean, const float* rstd, const float* dy,
                         long rows, long cols, float* dx, float* dgamma, float* dbeta) {
  const float share = 1.0f / float(cols);
  for (long panel = 0; panel < rows; panel += kPanel) {
    const long last = std::min(panel + kPanel, rows);
    // Before the rows, because dx may overwrite dy.
    add_norm_columns(x + panel * cols, mean + panel, rstd + panel, dy + panel * cols, last - panel, cols, dgamma,
                     dbeta);
    for (long r = panel; r < last; ++r) {
      const float *xr = x + r * cols, *dyr = dy + r * cols;
      const V centre = set(mean[r]), factor = set(rstd[r]);
      const auto norm = [=](V v) HWY_ATTR { return hn::Mul(hn::Sub(v, centre), factor); };
      const auto product = [=](V acc, V v, V g, V d) HWY_ATTR { return hn::MulAdd(norm(v), hn::Mul(g, d), acc); };
      const V mean_g = set(dot(gamma, dyr, cols) * share);
      const V mean_gx = set(sum_of(cols, product, xr, gamma, dyr) * share);
      const auto slope = [=](V v, V g, V d) HWY_ATTR {
        return hn::Mul(factor, hn::Sub(hn::MulSub(g, d, mean_g), hn::Mul(norm(v), mean_gx)));
      };
      map(dx + r * cols, cols, slope, xr, gamma, dyr);
    }
  }
}

void add_column_sums(ConstView x, float* out) {
  for (long c = 0; c < x.cols; c += kLanes) {
    const long n = std::min(kLanes, x.cols - c);
    V total = hn::Zero(kFloats);
    for (long panel = 0; panel < x.rows; panel += kPanel) {
      V sum = hn::Zero(kFloats);
      for (long r = panel; r < std::min(panel + kPanel, x.rows); ++r) {
        const float* p = x.data + r * x.stride + c;
        sum = hn::Add(sum, n == kLanes ? load(p) : load_first(p, n));
      }
      total = hn::Add(total, sum);
    }
    map(
        out + c, n, [=](V v) HWY_ATTR { return hn::Add(v, total); }, out + c);
  }
}

void copy_rows(ConstView x, View y) {
  for (long r = 0; r < y.rows; ++r)
    map(
        y.data + r * y.stride, y.cols, [](V a) HWY_ATTR { return a; }, x.data + r * x.stride);
}

void add_rows(ConstView x, View y) {
  for (long r = 0; r < y.rows; ++r) {
    float* row = y.data + r * y.stride;
    map(
        row, y.cols, [](V a, V b) HWY_ATTR { return hn::Add(a, b); }, x.data + r * x.stride, row);
  }
}

void multiply_rows(ConstView x, View y, float* sums) {
  for (long r = 0; r < y.rows; ++r) {
    const float* from = x.data + r * x.stride;
    float* row = y.data + r * y.stride;
    V sum = hn::Zero(kFloats);
    map(
        row, y.cols,
        [&sum](V a, V b) HWY_ATTR {
          const V product = hn::Mul(a, b);
          sum = hn::Add(sum, product);
          return product;
        },
        from, row);
    sums[r] = sum_lanes(sum);
  }
}

void add_row(const float* x, View y) {
  for (long r = 0; r < y.rows; ++r) {
    float* row = y.data + r * y.stride;
    map(
        row, y.cols, [](V a, V b) HWY_ATTR { return hn::Add(a, b); }, x, row);
  }
}

void scale_rows(const float* factor, View y) {
  for (long r = 0; r < y.rows; ++r) {
    float* row = y.data + r * y.stride;
    const V f = set(factor[r]);
    map(
        row, y.cols, [=](V a) HWY_ATTR { return hn::Mul(a, f); }, row);
  }
}

void row_dots(ConstView a, ConstView b, float* out) {
  for (long r = 0; r < a.rows; ++r) out[r] = dot(a.data + r * a.stride, b.data + r * b.stride, a.cols);
}

void softmax(View x) {
  for (long r = 0; r < x.rows; ++r) {
    float* row = x.data + r * x.stride;
    const V highest = set(max_of(row, x.cols, 1));
    map(
        row, x.cols, [=](V v) HWY_ATTR { return exp_normal(hn::Sub(v, highest)); }, row);
    const V factor = set(1.0f / sum_row(row, x.cols));
    map(
        row, x.cols, [=](V v) HWY_ATTR { return hn::Mul(v, factor); }, row);
  }
}

void softmax_backward(ConstView y, View dy) {
  for (long r = 0; r < y.rows; ++r) {
    const float* value = y.data + r * y.stride;
    float* gradient = dy.data + r * dy.stride;
    const V mean = set(dot(value, gradient, y.cols));
    map(
        gradient, y.cols, [=](V v, V d) HWY_ATTR { return hn::Mul(v, hn::Sub(d, mean)); }, value, gradient);
  }
}

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lra::inline LRA_ENGINE::kernels {

HWY_EXPORT(layer_norm);
HWY_EXPORT(layer_norm_backward);
HWY_EXPORT(add_column_sums);
HWY_EXPORT(copy_rows);
HWY_EXPORT(add_rows);
HWY_EXPORT(multiply_rows);
HWY_EXPORT(add_row);
HWY_EXPORT(scale_rows);
HWY_EXPORT(row_dots);
HWY_EXPORT(softmax);
HWY_EXPORT(softmax_backward);

void layer_norm(const Real* x, const Real* gamma, const Real* beta, long rows, long cols, Real epsilon, Real* y,
                Real* mean, Real* rstd) {
  HWY_DYNAMIC_DISPATCH(layer_norm)(x, gamma, beta, rows, cols, epsilon, y, mean, rstd);
}
void layer_norm_backward(const Real* x, const Real* gamma, const Real* mean, const Real* rstd, const Real* dy,
                         long rows, long cols, Real* dx, Real* dgamma, Real* dbeta) {
  HWY_DYNAMIC_DISPATCH(layer_norm_backward)(x, gamma, mean, rstd, dy, rows, cols, dx, dgamma, dbeta);
}
void add_column_sums(ConstView x, Real* out) { HWY_DYNAMIC_DISPATCH(add_column_sums)(x, out); }
void copy_rows(ConstView x, View y) { HWY_DYNAMIC_DISPATCH(copy_rows)(x, y); }
void add_rows(ConstView x, View y) { HWY_DYNAMIC_DISPATCH(add_rows)(x, y); }
void multiply_rows(ConstView x, View y, Real* sums) { HWY_DYNAMIC_DISPATCH(multiply_rows)(x, y, sums); }
void add_row(const Real* x, View y) { HWY_DYNAMIC_DISPATCH(add_row)(x, y); }
void scale_rows(const Real* factor, View y) { HWY_DYNAMIC_DISPATCH(scale_rows)(factor, y); }
void row_dots(ConstView a, ConstView b, Real* out) { HWY_DYNAMIC_DISPATCH(row_dots)(a, b, out); }
void softmax(View x) { HWY_DYNAMIC_DISPATCH(softmax)(x); }
void softmax_backward(ConstView y, View dy) { HWY_DYNAMIC_DISPATCH(softmax_backward)(y, dy); }

}  // namespace lra::inline LRA_ENGINE::kernels
#endif
