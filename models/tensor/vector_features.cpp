#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/tensor/vector_features.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>

#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/vector_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

void column_maxima(const float* row, ConstView x, float* out) {
  for (long r = 0; r < x.rows; ++r) {
    const V shift = set(row[r]);
    map(
        out, x.cols, [=](V most, V v) HWY_ATTR { return hn::Max(most, hn::Sub(v, shift)); }, out,
        x.data + r * x.stride);
  }
}

void exp_shifted(const float* row, const float* column, View x) {
  for (long r = 0; r < x.rows; ++r) {
    float* values = x.data + r * x.stride;
    const V shift = set(row[r]);
    map(
        values, x.cols, [=](V v, V c) HWY_ATTR { return exp_normal(hn::Sub(hn::Sub(v, shift), c)); }, values, column);
  }
}

void exp_below_highest(const float* column, View x) {
  for (long r = 0; r < x.rows; ++r) {
    float* values = x.data + r * x.stride;
    map(
        values, x.cols, [](V v, V c) HWY_ATTR { return hn::Add(v, c); }, values, column);
    const V highest = set(max_of(values, x.cols, 1));
    map(
        values, x.cols, [=](V v) HWY_ATTR { return exp_normal(hn::Sub(v, highest)); }, values);
  }
}

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lra::inline LRA_ENGINE::kernels {

HWY_EXPORT(column_maxima);
HWY_EXPORT(exp_shifted);
HWY_EXPORT(exp_below_highest);

void column_maxima(const Real* row, ConstView x, Real* out) { HWY_DYNAMIC_DISPATCH(column_maxima)(row, x, out); }
void exp_shifted(const Real* row, const Real* column, View x) { HWY_DYNAMIC_DISPATCH(exp_shifted)(row, column, x); }
void exp_below_highest(const Real* column, View x) { HWY_DYNAMIC_DISPATCH(exp_below_highest)(column, x); }

}  // namespace lra::inline LRA_ENGINE::kernels
#endif
