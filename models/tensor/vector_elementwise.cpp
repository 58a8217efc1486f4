#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/tensor/vector_elementwise.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>

#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/vector_dropout-inl.h"
#include "models/tensor/detail/vector_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

void add(const float* x, float* y, long n) {
  map(
      y, n, [](V a, V b) HWY_ATTR { return hn::Add(a, b); }, x, y);
}

void add_scaled(const float* x, float scale, float* y, long n) {
  const V factor = set(scale);
  map(
      y, n, [=](V a, V b) HWY_ATTR { return hn::MulAdd(a, factor, b); }, x, y);
}

void scale(float* y, long n, float scale) {
  const V factor = set(scale);
  map(
      y, n, [=](V a) HWY_ATTR { return hn::Mul(a, factor); }, y);
}

void multiply(const float* x, float* y, long n) {
  map(
      y, n, [](V a, V b) HWY_ATTR { return hn::Mul(a, b); }, x, y);
}

void multiply_add(const float* a, const float* b, float* y, long n) {
  map(
      y, n, [](V u, V v, V w) HWY_ATTR { return hn::MulAdd(u, v, w); }, a, b, y);
}

void exponential(const float* x, float* y, long n) {
  map(
      y, n, [](V a) HWY_ATTR { return exp_full(a); }, x);
}

constexpr float kSlope = 0.797884560802865f;  // √(2/π)
constexpr float kCubic = 0.797884560802865f * 0.044715f;

/// exp(−2u), u = √(2/π)(x + 0.044715x³): ½(1 + tanh u) = 1 / (1 + exp(−2u)).
HWY_INLINE V gelu_exponential(V x) {
  const V slope = hn::MulAdd(hn::Mul(x, x), set(-2 * kCubic), set(-2 * kSlope));
  return exp_full(hn::Mul(x, slope));
}

HWY_INLINE V gelu_value(V x) { return hn::Div(x, hn::Add(set(1), gelu_exponential(x))); }

void gelu(const float* x, float* y, long n) {
  map(
      y, n, [](V a) HWY_ATTR { return gelu_value(a); }, x);
}

/// gelu and its slope from one exponential: beyond ±9 the slope is exactly 0 or 1 in float, and gelu is 0 or x; within,
/// nothing overflows.
struct GeluParts {
  V above, near, e;  // max(x, −9); x clipped to −9 … 9; exp(−2u)

  HWY_INLINE explicit GeluParts(V x) : above(at_least(-9, x)), near(at_most(9, above)), e(gelu_exponential(near)) {}
  HWY_INLINE V value() const { return hn::Div(above, hn::Add(set(1), e)); }
  HWY_INLINE V slope() const {
    const V s = hn::Div(set(1), hn::Add(set(1), e));  // ½(1 + tanh u), so that 1 − tanh² u = 4·s·(s·e)
    const V du = hn::MulAdd(hn::Mul(near, near), set(6 * kCubic), set(2 * kSlope));  // 2 du/dx
    return hn::MulAdd(hn::Mul(hn::Mul(near, du), hn::Mul(s, e)), s, s);
  }
};

void gelu_backward(const float* x, float* dy, long n) {
  map(
      dy, n, [](V a, V d) HWY_ATTR { return hn::Mul(d, GeluParts(a).slope()); }, x, dy);
}

void relu(const float* x, float* y, long n) {
  map(
      y, n, [](V a) HWY_ATTR { return hn::IfThenZeroElse(hn::Lt(a, hn::Zero(kFloats)), a); }, x);
}

void relu_backward(const float* x, float* dy, long n) {
  map(
      dy, n, [](V a, V d) HWY_ATTR { return hn::IfThenElseZero(hn::Gt(a, hn::Zero(kFloats)), d); }, x, dy);
}

void elu_plus_one(const float* x, float* y, long n) {
  const auto value = [](V a) HWY_ATTR {
    return hn::IfThenElse(hn::Gt(a, hn::Zero(kFloats)), hn::Add(a, set(1)), exp_full(a));
  };
  map(y, n, value, x);
}

void elu_plus_one_backward(const float* y, float* dy, long n) {
  map(
      dy, n, [](V a, V d) HWY_ATTR { return hn::Mul(d, at_most(1, a)); }, y, dy);
}

/// Calls visit(at, n, their mask) for consecutive runs at … at + n − 1 of `count` elements.
template <class Visit>
HWY_INLINE void by_masks(const DropoutStream& stream, std::uint64_t first, long count, const Visit& visit) {
  KeepBits bits(stream);
  const SomeKept masked{bits, set(stream.keep_scale())};
  for (long at = 0; at < count; at += KeepBits::kBlock) {
    const long n = std::min(KeepBits::kBlock, count - at);
    bits.draw(first + std::uint64_t(at), n);
    visit(at, n, masked);
  }
}

void dropout(const DropoutStream& stream, std::uint64_t first, const float* x, float* y, long n) {
  by_masks(stream, first, n,
           [=](long at, long count, const auto& masked) HWY_ATTR { map_indexed(y + at, count, masked, x + at); });
}

void gelu_dropout(const DropoutStream* stream, std::uint64_t first, const float* x, float* y, long n) {
  if (!stream) return gelu(x, y, n);
  by_masks(*stream, first, n, [=](long at, long count, const auto& masked) HWY_ATTR {
    map_indexed(
        y + at, count, [&](long i, V a) HWY_ATTR { return masked(i, gelu_value(a)); }, x + at);
  });
}

template <class Mask>
HWY_INLINE void gelu_backward_run(const float* x, float* y, float* dy, long n, const Mask& masked) {
  for (long i = 0; i < n; i += kLanes) {
    const long rest = n - i;
    const bool whole = rest >= kLanes;
    const V a = whole ? load(x + i) : load_first(x + i, rest);
    const V d = whole ? load(dy + i) : load_first(dy + i, rest);
    const GeluParts parts(a);
    const V value = masked(i, parts.value()), slope = hn::Mul(masked(i, d), parts.slope());
    if (whole) {
      store(value, y + i);
      store(slope, dy + i);
    } else {
      store_first(value, y + i, rest);
      store_first(slope, dy + i, rest);
    }
  }
}

void gelu_dropout_backward(const DropoutStream* stream, std::uint64_t first, const float* x, float* y, float* dy,
                           long n) {
  if (!stream) return gelu_backward_run(x, y, dy, n, AllKept{});
  by_masks(*stream, first, n, [=](long at, long count, const auto& masked) HWY_ATTR {
    gelu_backward_run(x + at, y + at, dy + at, count, masked);
  });
}

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lra::inline LRA_ENGINE::kernels {

HWY_EXPORT(add);
HWY_EXPORT(add_scaled);
HWY_EXPORT(scale);
HWY_EXPORT(multiply);
HWY_EXPORT(multiply_add);
HWY_EXPORT(exponential);
HWY_EXPORT(gelu);
HWY_EXPORT(gelu_backward);
HWY_EXPORT(relu);
HWY_EXPORT(relu_backward);
HWY_EXPORT(elu_plus_one);
HWY_EXPORT(elu_plus_one_backward);
HWY_EXPORT(dropout);
HWY_EXPORT(gelu_dropout);
HWY_EXPORT(gelu_dropout_backward);

void fill(Real* y, long n, Real value) { std::fill_n(y, n, value); }
void copy(const Real* x, Real* y, long n) { std::copy_n(x, n, y); }
void add(const Real* x, Real* y, long n) { HWY_DYNAMIC_DISPATCH(add)(x, y, n); }
void add_scaled(const Real* x, Real scale, Real* y, long n) { HWY_DYNAMIC_DISPATCH(add_scaled)(x, scale, y, n); }
void scale(Real* y, long n, Real factor) { HWY_DYNAMIC_DISPATCH(scale)(y, n, factor); }
void multiply(const Real* x, Real* y, long n) { HWY_DYNAMIC_DISPATCH(multiply)(x, y, n); }
void multiply_add(const Real* a, const Real* b, Real* y, long n) { HWY_DYNAMIC_DISPATCH(multiply_add)(a, b, y, n); }
void exponential(const Real* x, Real* y, long n) { HWY_DYNAMIC_DISPATCH(exponential)(x, y, n); }
void gelu(const Real* x, Real* y, long n) { HWY_DYNAMIC_DISPATCH(gelu)(x, y, n); }
void gelu_backward(const Real* x, Real* dy, long n) { HWY_DYNAMIC_DISPATCH(gelu_backward)(x, dy, n); }
void relu(const Real* x, Real* y, long n) { HWY_DYNAMIC_DISPATCH(relu)(x, y, n); }
void relu_backward(const Real* x, Real* dy, long n) { HWY_DYNAMIC_DISPATCH(relu_backward)(x, dy, n); }
void elu_plus_one(const Real* x, Real* y, long n) { HWY_DYNAMIC_DISPATCH(elu_plus_one)(x, y, n); }
void elu_plus_one_backward(const Real* y, Real* dy, long n) { HWY_DYNAMIC_DISPATCH(elu_plus_one_backward)(y, dy, n); }
void dropout(const DropoutStream& stream, std::uint64_t first, const Real* x, Real* y, long n) {
  HWY_DYNAMIC_DISPATCH(dropout)(stream, first, x, y, n);
}
void gelu_dropout(const DropoutStream* stream, std::uint64_t first, const Real* x, Real* y, long n) {
  HWY_DYNAMIC_DISPATCH(gelu_dropout)(stream, first, x, y, n);
}
void gelu_dropout_backward(const DropoutStream* stream, std::uint64_t first, const Real* x, Real* y, Real* dy, long n) {
  HWY_DYNAMIC_DISPATCH(gelu_dropout_backward)(stream, first, x, y, dy, n);
}

}  // namespace lra::inline LRA_ENGINE::kernels
#endif
