/// Shared by the vector kernels: lanes, partial vectors, loops over arrays, exp.
///
/// Highway compiles each vector_*.cpp, and this file with it, once per instruction set, hence the toggling include
/// guard. Lambdas carry HWY_ATTR because clang does not apply a namespace's target attribute to them.
#if defined(LRA_MODELS_TENSOR_VECTOR_LANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LRA_MODELS_TENSOR_VECTOR_LANES_INL_H
#undef LRA_MODELS_TENSOR_VECTOR_LANES_INL_H
#else
#define LRA_MODELS_TENSOR_VECTOR_LANES_INL_H
#endif

#include <limits>

#include <hwy/highway.h>

#include "models/tensor/detail/kernels.h"
#include "models/tensor/real.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// At most 16 lanes: the width that the dropout streams are laid out for.
using Floats = hn::CappedTag<float, 16>;
using Ints = hn::Rebind<std::int32_t, Floats>;
using V = hn::Vec<Floats>;
using M = hn::Mask<Floats>;
constexpr Floats kFloats{};
constexpr long kLanes = hn::MaxLanes(Floats());

HWY_INLINE V set(float value) { return hn::Set(kFloats, value); }
HWY_INLINE V load(const float* p) { return hn::LoadU(kFloats, p); }
HWY_INLINE void store(V v, float* p) { hn::StoreU(v, kFloats, p); }

/// min(bound, x) and max(bound, x) that keep a NaN in x.
HWY_INLINE V at_most(float bound, V x) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  return hn::Min(set(bound), x);  // the instruction returns its second operand when either is NaN
#else
  return hn::IfThenElse(hn::Gt(x, set(bound)), set(bound), x);
#endif
}
HWY_INLINE V at_least(float bound, V x) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  return hn::Max(set(bound), x);
#else
  return hn::IfThenElse(hn::Lt(x, set(bound)), set(bound), x);
#endif
}

/// Loads the first n < kLanes values at p, followed by zeros; reads nothing beyond them.
HWY_INLINE V load_first(const float* p, long n) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float lanes[kLanes] = {};
  for (long i = 0; i < n; ++i) lanes[i] = p[i];
  return hn::Load(kFloats, lanes);
#else
  return hn::MaskedLoad(hn::FirstN(kFloats, std::size_t(n)), kFloats, p);
#endif
}

HWY_INLINE void store_first(V v, float* p, long n) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, kFloats, lanes);
  for (long i = 0; i < n; ++i) p[i] = lanes[i];
#else
  hn::BlendedStore(v, hn::FirstN(kFloats, std::size_t(n)), kFloats, p);
#endif
}

/// y[i] = f(i, in[i]...) for i < n, where f works on the vectors that start at element i. y may be one of the inputs.
template <class F, class... In>
HWY_INLINE void map_indexed(float* y, long n, const F& f, const In*... in) {
  // A single call of f, so that compilers inline it whatever its size.
  for (long i = 0; i < n; i += kLanes) {
    const long rest = n - i;
    const bool whole = rest >= kLanes;
    const V value = f(i, whole ? load(in + i) : load_first(in + i, rest)...);
    if (whole)
      store(value, y + i);
    else
      store_first(value, y + i, rest);
  }
}

/// y[i] = f(in[i]...) for i < n.
template <class F, class... In>
HWY_INLINE void map(float* y, long n, const F& f, const In*... in) {
  map_indexed(
      y, n, [&](long, auto... v) HWY_ATTR { return f(v...); }, in...);
}

/// Folds acc = f(acc, in[i]...) from `start` over n values in four interleaved chains, and combines the four by `join`.
template <class Join, class F, class... In>
HWY_INLINE V fold(V start, long n, const Join& join, const F& f, const In*... in) {
  V a = start, b = start, c = start, d = start;
  long i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    a = f(a, load(in + i)...);
    b = f(b, load(in + i + kLanes)...);
    c = f(c, load(in + i + 2 * kLanes)...);
    d = f(d, load(in + i + 3 * kLanes)...);
  }
  for (; i + kLanes <= n; i += kLanes) a = f(a, load(in + i)...);
  if (i < n) b = hn::IfThenElse(hn::FirstN(kFloats, std::size_t(n - i)), f(b, load_first(in + i, n - i)...), b);
  return join(join(a, b), join(c, d));
}

HWY_INLINE float sum_lanes(V v) { return hn::GetLane(hn::SumOfLanes(kFloats, v)); }

/// Σ by f(acc, in[i]...) over n values, from 0.
template <class F, class... In>
HWY_INLINE float sum_of(long n, const F& f, const In*... in) {
  return sum_lanes(fold(
      hn::Zero(kFloats), n, [](V x, V y) HWY_ATTR { return hn::Add(x, y); }, f, in...));
}

/// The largest scale · x[i]; −infinity for none. A NaN may or may not be the result; subtracting the result from x
/// keeps the NaN either way.
HWY_INLINE float max_of(const float* x, long n, float scale) {
  const V factor = set(scale);
  const V lowest = set(-std::numeric_limits<float>::infinity());
  const V lanes = fold(
      lowest, n, [](V a, V b) HWY_ATTR { return hn::Max(a, b); },
      [=](V acc, V v) HWY_ATTR { return hn::Max(acc, hn::Mul(v, factor)); }, x);
  return hn::GetLane(hn::MaxOfLanes(kFloats, lanes));
}

/// exp(x) = 2^n · e^r with |r| ≤ ½ ln 2.
struct ExpParts {
  V fraction;             // e^r
  hn::Vec<Ints> shifted;  // n + 127 in the lowest nine bits
};

/// Adding 1.5 · 2^23 rounds to n (the lowest bit of the sum then has weight 1); ln 2 is split so that n times its first
/// part is exact. The polynomial is the minimax fit of (e^r − 1 − r) / r² with relative error 4e-9 in e^r.
HWY_INLINE ExpParts split_exp(V x) {
  const V shift = set(0x1.8p23f + 127.0f);
  const V shifted = hn::MulAdd(x, set(1.44269504f), shift);
  const V n = hn::Sub(shifted, shift);
  V r = hn::NegMulAdd(n, set(0.693359375f), x);
  r = hn::NegMulAdd(n, set(-2.12194440e-4f), r);
  V p = hn::MulAdd(set(0.001381460f), r, set(0.008368717f));
  p = hn::MulAdd(p, r, set(0.041668389f));
  p = hn::MulAdd(p, r, set(0.166665211f));
  p = hn::MulAdd(p, r, set(0.499999940f));
  p = hn::MulAdd(p, r, set(1));
  return {hn::MulAdd(p, r, set(1)), hn::BitCast(Ints(), shifted)};
}

/// exp(x) over the whole range, to 2 units in the last place: gradual underflow to 0, overflow to infinity, NaN stays.
HWY_INLINE V exp_full(V x) {
  const ExpParts parts = split_exp(at_least(-104, at_most(89, x)));
  // 2^n may be out of range where the product is not: multiply by two halves.
  const auto bias = hn::Set(Ints(), 127);
  const auto n = hn::Sub(parts.shifted, hn::Set(Ints(), 0x4B400000 + 127));
  const auto half = hn::ShiftRight<1>(n);
  const V low = hn::BitCast(kFloats, hn::ShiftLeft<23>(hn::Add(half, bias)));
  const V high = hn::BitCast(kFloats, hn::ShiftLeft<23>(hn::Add(hn::Sub(n, half), bias)));
  return hn::Mul(hn::Mul(parts.fraction, low), high);
}

/// exp(x), cheaper: results below the smallest normal number become 0 and those above e^88 become e^88.
HWY_INLINE V exp_normal(V x) {
  const ExpParts parts = split_exp(at_most(88, x));
  const V power = hn::BitCast(kFloats, hn::ShiftLeft<23>(parts.shifted));
  return hn::IfThenZeroElse(hn::Lt(x, set(-87.3f)), hn::Mul(parts.fraction, power));
}

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
