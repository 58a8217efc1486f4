#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/tensor/vector_attention.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>

#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/vector_dropout-inl.h"
#include "models/tensor/detail/vector_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

/// −infinity would turn −infinity scores into NaN; any finite offset turns them into exp(−infinity) = 0.
inline float finite_offset(float offset) { return std::isinf(offset) && offset < 0 ? 0.0f : offset; }

/// Zeros the columns of row r outside of begin[r] … end[r] − 1; returns whether the row sees anything.
inline bool clear_invisible(float* row, long cols, long begin, long end) {
  if (begin >= end) {
    std::fill_n(row, cols, 0.0f);
    return false;
  }
  std::fill_n(row, begin, 0.0f);
  std::fill(row + end, row + cols, 0.0f);
  return true;
}

/// row[i] = masked(exp(scale · row[i] − offset)); returns sum plus the unmasked sums of the lanes. Computing the
/// exponentials of four vectors first uses more execution units than one vector at a time (measured: 0.42 against 0.58
/// ns per element).
template <class Mask>
HWY_INLINE V exponentials(float* row, long n, float scale, float offset, const Mask& masked, V sum) {
  const V factor = set(scale), shift = set(offset);
  long i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    V p[4];
    for (long k = 0; k < 4; ++k) p[k] = exp_normal(hn::MulSub(load(row + i + k * kLanes), factor, shift));
    for (long k = 0; k < 4; ++k) {
      sum = hn::Add(sum, p[k]);
      store(masked(i + k * kLanes, p[k]), row + i + k * kLanes);
    }
  }
  for (; i + kLanes <= n; i += kLanes) {
    const V p = exp_normal(hn::MulSub(load(row + i), factor, shift));
    sum = hn::Add(sum, p);
    store(masked(i, p), row + i);
  }
  if (i == n) return sum;
  const V p = exp_normal(hn::MulSub(load_first(row + i, n - i), factor, shift));
  store_first(masked(i, p), row + i, n - i);
  return hn::Add(sum, hn::IfThenElseZero(hn::FirstN(kFloats, std::size_t(n - i)), p));
}

void attention_forward_tile(View s, const long* begin, const long* end, float scale, float* max, float* sum,
                            float* correction, const DropoutStream* dropout, std::uint64_t first,
                            std::uint64_t row_step) {
  KeepBits bits(dropout ? *dropout : DropoutStream{});
  const SomeKept some{bits, set(dropout ? dropout->keep_scale() : 1.0f)};
  for (long r = 0; r < s.rows; ++r) {
    float* row = s.data + r * s.stride;
    correction[r] = 1;
    if (!clear_invisible(row, s.cols, begin[r], end[r])) continue;
    const float highest = std::max(max[r], max_of(row + begin[r], end[r] - begin[r], scale));
    const float offset = finite_offset(highest);
    if (highest > max[r]) correction[r] = hn::GetLane(exp_normal(set(max[r] - offset)));
    V added = hn::Zero(kFloats);
    if (!dropout) added = exponentials(row + begin[r], end[r] - begin[r], scale, offset, AllKept{}, added);
    for (long c = begin[r]; dropout && c < end[r]; c += KeepBits::kBlock) {
      const long block = std::min(KeepBits::kBlock, end[r] - c);
      bits.draw(first + std::uint64_t(r) * row_step + std::uint64_t(c), block);
      added = exponentials(row + c, block, scale, offset, some, added);
    }
    sum[r] = sum[r] * correction[r] + sum_lanes(added);
    max[r] = highest;
  }
}

/// exp(scale · score − lse), at most 1. NaN stays NaN, which hn::Min does not promise.
HWY_INLINE V probability(V score, V scale, V lse) {
  const V exponent = hn::MulSub(score, scale, lse);
  return exp_normal(hn::IfThenZeroElse(hn::Gt(exponent, hn::Zero(kFloats)), exponent));
}

/// Backward of n consecutive elements in one row of a tile.
template <class Mask>
HWY_INLINE void backward_run(float* s, float* dp, long n, float scale, float lse, float delta, const Mask& masked) {
  const V factor = set(scale), shift = set(lse), mean = set(delta);
  long i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    V p[4];
    for (long k = 0; k < 4; ++k) p[k] = probability(load(s + i + k * kLanes), factor, shift);
    for (long k = 0; k < 4; ++k) {
      const long at = i + k * kLanes;
      store(hn::Mul(hn::Mul(p[k], factor), hn::Sub(masked(at, load(dp + at)), mean)), dp + at);
      store(masked(at, p[k]), s + at);
    }
  }
  for (; i < n; i += kLanes) {
    const long rest = n - i;
    const bool whole = rest >= kLanes;
    const V score = whole ? load(s + i) : load_first(s + i, rest);
    const V gradient = whole ? load(dp + i) : load_first(dp + i, rest);
    const V p = probability(score, factor, shift);
    const V d = masked(i, p), ds = hn::Mul(hn::Mul(p, factor), hn::Sub(masked(i, gradient), mean));
    if (whole) {
      store(d, s + i);
      store(ds, dp + i);
    } else {
      store_first(d, s + i, rest);
      store_first(ds, dp + i, rest);
    }
  }
}

void attention_backward_tile(View s, View dp, const long* begin, const long* end, float scale, const float* lse,
                             const float* delta, const DropoutStream* dropout, std::uint64_t first,
                             std::uint64_t row_step) {
  KeepBits bits(dropout ? *dropout : DropoutStream{});
  const SomeKept some{bits, set(dropout ? dropout->keep_scale() : 1.0f)};
  for (long r = 0; r < s.rows; ++r) {
    float* row = s.data + r * s.stride;
    float* gradient = dp.data + r * dp.stride;
    clear_invisible(gradient, dp.cols, begin[r], end[r]);
    if (!clear_invisible(row, s.cols, begin[r], end[r])) continue;
    const float offset = finite_offset(lse[r]);
    if (!dropout) {
      backward_run(row + begin[r], gradient + begin[r], end[r] - begin[r], scale, offset, delta[r], AllKept{});
      continue;
    }
    for (long c = begin[r]; c < end[r]; c += KeepBits::kBlock) {
      const long block = std::min(KeepBits::kBlock, end[r] - c);
      bits.draw(first + std::uint64_t(r) * row_step + std::uint64_t(c), block);
      backward_run(row + c, gradient + c, block, scale, offset, delta[r], some);
    }
  }
}

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lra::inline LRA_ENGINE::kernels {

HWY_EXPORT(attention_forward_tile);
HWY_EXPORT(attention_backward_tile);

void attention_forward_tile(View s, const long* begin, const long* end, Real scale, Real* max, Real* sum,
                            Real* correction, const DropoutStream* dropout, std::uint64_t first,
                            std::uint64_t row_step) {
  HWY_DYNAMIC_DISPATCH(attention_forward_tile)
  (s, begin, end, scale, max, sum, correction, dropout, first, row_step);
}

void attention_backward_tile(View s, View dp, const long* begin, const long* end, Real scale, const Real* lse,
                             const Real* delta, const DropoutStream* dropout, std::uint64_t first,
                             std::uint64_t row_step) {
  HWY_DYNAMIC_DISPATCH(attention_backward_tile)(s, dp, begin, end, scale, lse, delta, dropout, first, row_step);
}

}  // namespace lra::inline LRA_ENGINE::kernels
#endif
