/// α-entmax of rows over their support: first excludes scores that are too far below the largest to have weight.
#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/tensor/vector_entmax.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/vector_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

using Doubles = hn::CappedTag<double, 8>;

constexpr double kExponential = 1e-7;  // below this ε the power equals the exponential to working precision
constexpr float kNoWeight = -1e30f;    // pads a support: has no weight for any ε

HWY_INLINE hn::Vec<Floats> load_as(Floats, const float* p) { return load(p); }
HWY_INLINE hn::Vec<Doubles> load_as(Doubles d, const float* p) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, Doubles>(), p));
}
HWY_INLINE void store_doubles(hn::Vec<Doubles> v, float* p) {
  const hn::Rebind<float, Doubles> halves;
  hn::StoreU(hn::DemoteTo(halves, v), halves, p);
}

/// exp(x) for x ≤ 0, clamped below by a negligible number.
template <class D>
HWY_INLINE hn::Vec<D> exp_of(D d, hn::Vec<D> x) {
  return hn::Exp(d, hn::Max(x, hn::Set(d, hn::TFromD<D>(sizeof(hn::TFromD<D>) == 4 ? -87 : -700))));
}

/// The scores that may have weight, minus the largest, and their indices.
struct Support {
  float highest;
  long count;
  float *scores, *places;  // padded with kNoWeight to whole vectors
};

/// The i-th of the five scratch arrays for rows of n.
HWY_INLINE float* array_of(float* scratch, long n, long i) { return scratch + i * (entmax_scratch(n) / 5); }

/// `reach`: how far below the highest a score may be. Compared in float: a few extra scores are harmless.
HWY_INLINE Support support_of(const float* z, long n, double reach, float* scratch) {
  const float highest = max_of(z, n, 1);
  Support s{highest, 0, array_of(scratch, n, 0), array_of(scratch, n, 1)};
  const V lowest = set(highest - float(reach) * 1.0001f - std::abs(highest) * 1e-6f), top = set(highest);
  for (long i = 0; i < n; i += kLanes) {
    const bool whole = n - i >= kLanes;
    const V v = whole ? load(z + i) : load_first(z + i, n - i);
    M in = hn::Ge(v, lowest);
    if (!whole) in = hn::And(in, hn::FirstN(kFloats, std::size_t(n - i)));
    hn::CompressBlendedStore(hn::Iota(kFloats, float(i)), in, kFloats, s.places + s.count);
    s.count += long(hn::CompressBlendedStore(hn::Sub(v, top), in, kFloats, s.scores + s.count));
  }
  for (long i = s.count; i % kLanes; ++i) s.scores[i] = kNoWeight;
  return s;
}

/// A vector of scores at a shift: the mask of those with weight, u = 1 + ε(w + shift), log p.
template <class D>
struct Weighed {
  hn::Mask<D> in;
  hn::Vec<D> at, u, log;

  HWY_INLINE Weighed(D d, const float* scores, double epsilon, double shift) {
    using T = hn::TFromD<D>;
    at = hn::Add(load_as(d, scores), hn::Set(d, T(shift)));
    const auto base = hn::MulAdd(at, hn::Set(d, T(epsilon)), hn::Set(d, 1));
    in = hn::Gt(base, hn::Zero(d));
    u = hn::IfThenElse(in, base, hn::Set(d, 1));
    log = epsilon < kExponential ? at : hn::Mul(hn::Log(d, u), hn::Set(d, T(1 / epsilon)));
  }
};

/// One step of Newton's method in the precision of D. Returns how far the sum of weights is from 1.
template <class D>
HWY_INLINE double improve(D d, const Support& s, double epsilon, double& shift) {
  auto sums = hn::Zero(d), slopes = hn::Zero(d);
  for (long i = 0; i < s.count; i += long(hn::Lanes(d))) {
    const Weighed<D> w(d, s.scores + i, epsilon, shift);
    const auto p = hn::IfThenElseZero(w.in, exp_of(d, w.log));
    sums = hn::Add(sums, p);
    slopes = hn::Add(slopes, hn::Div(p, w.u));
  }
  const double sum = double(hn::GetLane(hn::SumOfLanes(d, sums)));
  const double slope = double(hn::GetLane(hn::SumOfLanes(d, slopes)));
  const double excess =
      epsilon < kExponential ? std::log(sum) : -std::expm1(-epsilon * std::log(sum)) / epsilon;  // residual of the norm
  shift -= sum / slope * excess;
  return std::abs(sum - 1);
}

double entmax(float* z, long n, double epsilon, float* scratch) {
  if (sum_of(
          n, [](V acc, V v) HWY_ATTR { return hn::MulAdd(v, hn::Zero(kFloats), acc); }, z) != 0.0f) {
    std::fill(z, z + n, std::numeric_limits<float>::quiet_NaN());
    return std::numeric_limits<double>::quiet_NaN();
  }
  const Support s = support_of(z, n, epsilon < kExponential ? 1e30 : 1 / epsilon, scratch);
  double shift = 0;
  // Near softmax, float cannot distinguish the bases.
  if (epsilon < kExponential || epsilon > 1e-2)
    for (int step = 0; step < 8 && improve(kFloats, s, epsilon, shift) > 3e-6; ++step) {
    }
  const double close = 1e-12 + 4e-16 * double(n);
  for (int step = 0; step < 100; ++step) {
    const double before = shift;
    if (improve(Doubles(), s, epsilon, shift) > close) continue;
    shift = before;
    break;
  }
  const Doubles d;
  for (long i = 0; i < s.count; i += long(hn::Lanes(d))) {
    const Weighed<Doubles> w(d, s.scores + i, epsilon, shift);
    store_doubles(hn::IfThenElseZero(w.in, exp_of(d, w.log)), s.scores + i);
  }
  std::fill(z, z + n, 0.0f);
  for (long i = 0; i < s.count; ++i) z[long(s.places[i])] = s.scores[i];
  return shift;
}

/// (u − 1 − y·u) / ε² with y = ε·log p = log u: a term of ∂p/∂α.
HWY_INLINE hn::Vec<Doubles> curvature(const Weighed<Doubles>& w, double epsilon) {
  const Doubles d;
  const auto e = hn::Set(d, epsilon), y = hn::Mul(e, w.log);
  const auto series = hn::MulAdd(hn::MulAdd(y, hn::Set(d, 0.125), hn::Set(d, 1.0 / 3)), y, hn::Set(d, 0.5));
  const auto near = hn::Neg(hn::Mul(hn::Mul(w.log, w.log), series));
  const auto far = hn::Div(hn::NegMulAdd(y, w.u, hn::Mul(e, w.at)), hn::Mul(e, e));
  return hn::IfThenElse(hn::Lt(hn::Abs(y), hn::Set(d, 1e-3)), near, far);
}

double entmax_backward(float* z, float* dp, long n, double epsilon, double shift, float* scratch) {
  if (std::isnan(shift)) {
    std::fill(z, z + n, std::numeric_limits<float>::quiet_NaN());
    std::fill(dp, dp + n, std::numeric_limits<float>::quiet_NaN());
    return shift;
  }
  const Support s = support_of(z, n, epsilon < kExponential ? 1e30 : 1 / epsilon + shift, scratch);
  float *slopes = array_of(scratch, n, 2), *p = array_of(scratch, n, 3), *g = array_of(scratch, n, 4);
  for (long i = 0; i < s.count; ++i) slopes[i] = dp[long(s.places[i])];
  const Doubles d;
  auto sum = hn::Zero(d), with_dp = sum, with_m = sum, with_both = sum;
  for (long i = s.count; i % kLanes; ++i) slopes[i] = 0;
  for (long i = 0; i < s.count; i += long(hn::Lanes(d))) {
    const Weighed<Doubles> w(d, s.scores + i, epsilon, shift);
    const auto weight = hn::IfThenElseZero(w.in, exp_of(d, hn::Mul(hn::Set(d, 1 - epsilon), w.log)));
    const auto m = hn::Mul(weight, curvature(w, epsilon)), slope = load_as(d, slopes + i);
    sum = hn::Add(sum, weight);
    with_dp = hn::MulAdd(weight, slope, with_dp);
    with_m = hn::Add(with_m, m);
    with_both = hn::MulAdd(m, slope, with_both);
    store_doubles(hn::IfThenElseZero(w.in, exp_of(d, w.log)), p + i);
    store_doubles(weight, g + i);
  }
  const auto total = [&](hn::Vec<Doubles> v) HWY_ATTR { return hn::GetLane(hn::SumOfLanes(d, v)); };
  const double mean = total(with_dp) / total(sum);
  std::fill(z, z + n, 0.0f);
  std::fill(dp, dp + n, 0.0f);
  for (long i = 0; i < s.count; ++i) {
    const long at = long(s.places[i]);
    z[at] = p[i], dp[at] = g[i] * float(double(slopes[i]) - mean);
  }
  return total(with_both) - mean * total(with_m);
}

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lra::inline LRA_ENGINE::kernels {

HWY_EXPORT(entmax);
HWY_EXPORT(entmax_backward);

double entmax(Real* z, long n, double epsilon, Real* scratch) {
  return HWY_DYNAMIC_DISPATCH(entmax)(z, n, epsilon, scratch);
}
double entmax_backward(Real* z, Real* dp, long n, double epsilon, double shift, Real* scratch) {
  return HWY_DYNAMIC_DISPATCH(entmax_backward)(z, dp, n, epsilon, shift, scratch);
}

}  // namespace lra::inline LRA_ENGINE::kernels
#endif
