#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/tensor/vector_optimiser.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>

#include "core/error.h"
#include "models/tensor/detail/instruction_set.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/vector_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

struct AdamLanes {
  V gradient_scale, beta1, rest1, beta2, rest2, rate, root, epsilon, decay;
};

/// One vector of the step: updates m and v, returns the new parameters.
HWY_INLINE V adam_lanes(const AdamLanes& c, V gradient, V& m, V& v, V parameter) {
  const V g = hn::Mul(gradient, c.gradient_scale);
  m = hn::MulAdd(m, c.beta1, hn::Mul(g, c.rest1));
  v = hn::MulAdd(v, c.beta2, hn::Mul(hn::Mul(g, g), c.rest2));
  const V size = hn::Add(hn::Sqrt(hn::Mul(v, c.root)), c.epsilon);
  const V step = hn::MulAdd(c.decay, parameter, hn::Div(hn::Mul(m, c.rate), size));
  return hn::Sub(parameter, step);
}

void adam(const AdamStep& s, const float* gradient, float* m, float* v, float* parameter, long n) {
  const AdamLanes c{set(float(s.gradient_scale)),  set(float(s.beta1)),     set(float(1 - s.beta1)),
                    set(float(s.beta2)),           set(float(1 - s.beta2)), set(float(s.lr / s.correction1)),
                    set(float(1 / s.correction2)), set(float(s.epsilon)),   set(float(s.lr * s.weight_decay))};
  long i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    V first = load(m + i), second = load(v + i);
    const V next = adam_lanes(c, load(gradient + i), first, second, load(parameter + i));
    store(first, m + i);
    store(second, v + i);
    store(next, parameter + i);
  }
  if (i == n) return;
  const long rest = n - i;
  V first = load_first(m + i, rest), second = load_first(v + i, rest);
  const V next = adam_lanes(c, load_first(gradient + i, rest), first, second, load_first(parameter + i, rest));
  store_first(first, m + i, rest);
  store_first(second, v + i, rest);
  store_first(next, parameter + i, rest);
}

/// The summation tree: element i is added to sum i % 16, in order; then sum k + 8 is added to sum k < 8, k + 4 to k <
/// 4, and so on. The square of a float is exact in double, hence fused and separate multiplication agree.
double sum_of_squares(const float* x, long n) {
  using Doubles = hn::CappedTag<double, 8>;
  constexpr Doubles doubles;
  constexpr hn::Rebind<float, Doubles> floats;
  constexpr long lanes = hn::MaxLanes(doubles);
  HWY_ALIGN double sums[16];
  long whole = n - n % 16;
  for (long lane = 0; lane < 16; lane += 2 * lanes) {
    auto a = hn::Zero(doubles), b = hn::Zero(doubles);
    for (long i = lane; i < whole; i += 16) {
      const auto u = hn::PromoteTo(doubles, hn::LoadU(floats, x + i));
      const auto w = hn::PromoteTo(doubles, hn::LoadU(floats, x + i + lanes));
      a = hn::MulAdd(u, u, a);
      b = hn::MulAdd(w, w, b);
    }
    hn::Store(a, doubles, sums + lane);
    hn::Store(b, doubles, sums + lane + lanes);
  }
  for (; whole < n; ++whole) sums[whole % 16] += double(x[whole]) * double(x[whole]);
  for (long half = 8; half > 0; half /= 2)
    for (long k = 0; k < half; ++k) sums[k] += sums[k + half];
  return sums[0];
}

bool all_finite(const float* x, long n) {
  // x · 0 is 0 if x is finite, otherwise NaN, which stays in the sum.
  const auto vanish = [](V acc, V v) HWY_ATTR { return hn::MulAdd(v, hn::Zero(kFloats), acc); };
  return sum_of(n, vanish, x) == 0.0f;
}

const char* instruction_set() { return hwy::TargetName(HWY_TARGET); }

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lra::inline LRA_ENGINE::kernels {

HWY_EXPORT(adam);
HWY_EXPORT(sum_of_squares);
HWY_EXPORT(all_finite);
HWY_EXPORT(instruction_set);

void adam(const AdamStep& step, const Real* gradient, Real* m, Real* v, Real* parameter, long n) {
  HWY_DYNAMIC_DISPATCH(adam)(step, gradient, m, v, parameter, n);
}
double sum_of_squares(const Real* x, long n) { return HWY_DYNAMIC_DISPATCH(sum_of_squares)(x, n); }
bool all_finite(const Real* x, long n) { return HWY_DYNAMIC_DISPATCH(all_finite)(x, n); }
const char* instruction_set() { return HWY_DYNAMIC_DISPATCH(instruction_set)(); }

void limit_instruction_set(const std::string& highest) {
  std::string names;
  std::int64_t better = 0;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {  // best first
    if (hwy::TargetName(target) == highest) return hwy::DisableTargets(better);
    better |= target;
    names += (names.empty() ? "" : ", ") + std::string(hwy::TargetName(target));
  }
  fail_usage("LRA_MAX_ISA: there is no instruction set '{}' here; there are {}", highest, names);
}

double cross_entropy(const Real* x, long classes, long label, Real weight, Real* dx) {
  const double highest = *std::max_element(x, x + classes);
  double sum = 0;
  for (long c = 0; c < classes; ++c) sum += std::exp(x[c] - highest);
  const double lse = highest + std::log(sum);
  const double loss = lse - x[label];
  if (dx)
    for (long c = 0; c < classes; ++c) dx[c] = Real(weight * (std::exp(x[c] - lse) - (c == label)));
  return loss;
}

}  // namespace lra::inline LRA_ENGINE::kernels
#endif
