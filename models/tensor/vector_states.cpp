#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/tensor/vector_states.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>

#include "models/tensor/detail/state_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Lane = hn::CappedTag<double, kStateLanes>;
using W = hn::Vec<Lane>;
constexpr long kStride = 2 * kStateLanes;  // from one number of a vector to the next

/// Some lanes of a complex number.
struct ComplexLanes {
  W re, im;
};
HWY_INLINE W load_real(const double* x) { return hn::LoadU(Lane(), x); }
HWY_INLINE ComplexLanes load(const double* x) { return {load_real(x), load_real(x + kStateLanes)}; }
HWY_INLINE void store(const ComplexLanes& z, double* x) {
  hn::StoreU(z.re, Lane(), x);
  hn::StoreU(z.im, Lane(), x + kStateLanes);
}
HWY_INLINE ComplexLanes zero() { return {hn::Zero(Lane()), hn::Zero(Lane())}; }
/// y + factor·x.
HWY_INLINE ComplexLanes add_scaled(const ComplexLanes& y, W factor, const ComplexLanes& x) {
  return {hn::MulAdd(factor, x.re, y.re), hn::MulAdd(factor, x.im, y.im)};
}
/// y + conj(a)·b.
HWY_INLINE ComplexLanes add_product(const ComplexLanes& y, const ComplexLanes& a, const ComplexLanes& b) {
  return {hn::MulAdd(a.im, b.im, hn::MulAdd(a.re, b.re, y.re)),
          hn::NegMulAdd(a.im, b.re, hn::MulAdd(a.re, b.im, y.im))};
}

/// Sums ⟨a,b⟩ number by number, in two sums that do not wait for each other.
class Inner {
 public:
  HWY_INLINE Inner() : sum_(zero()) {}
  HWY_INLINE void add(const ComplexLanes& a, const ComplexLanes& b) {
    sum_.re = hn::MulAdd(a.re, b.re, sum_.re);
    sum_.im = hn::MulAdd(a.im, b.im, sum_.im);
  }
  HWY_INLINE W total() const { return hn::Add(sum_.re, sum_.im); }

 private:
  ComplexLanes sum_;
};

/// Calls visit(lane) for the first lane of each vector register.
template <typename Visit>
HWY_INLINE void by_register(Visit visit) {
  for (long lane = 0; lane < kStateLanes; lane += long(hn::Lanes(Lane()))) visit(lane);
}

void advance_states(const StateStep& step, long n, double* states, double* reads) {
  const long size = state_size(step.m);
  by_register([&](long lane) HWY_ATTR {
    const double *d = step.d + lane, *g = step.g + lane, *h = step.h + lane;
    W read = load_real(reads + lane);
    for (long i = 0; i < n; ++i) {
      const double* from = states + i * size + lane;
      double* to = states + (i + 1) * size + lane;
      Inner inner;
      for (long k = 0; k < step.m; ++k) {
        const long at = k * kStride;
        const ComplexLanes z = load(from + at), factor = load(d + at);
        const ComplexLanes kept = {hn::NegMulAdd(factor.im, z.im, hn::Mul(factor.re, z.re)),
                                   hn::MulAdd(factor.im, z.re, hn::Mul(factor.re, z.im))};
        const ComplexLanes next = add_scaled(kept, read, load(g + at));
        store(next, to + at);
        inner.add(load(h + at), next);
      }
      read = inner.total();
      hn::StoreU(read, Lane(), reads + (i + 1) * kStateLanes + lane);
    }
  });
}

void retreat_states(const StateStep& step, const StateInput& input, long n, double* states, double* reads) {
  const long size = state_size(step.m);
  by_register([&](long lane) HWY_ATTR {
    const double *d = step.d + lane, *g = step.g + lane, *h = step.h + lane, *vectors = input.vectors + lane;
    W read = load_real(reads + n * kStateLanes + lane);
    for (long i = n; i-- > 0;) {
      const double *from = states + (i + 1) * size + lane, *taps = input.taps + i * input.count * kStateLanes + lane;
      double* to = states + i * size + lane;
      Inner inner;
      for (long k = 0; k < step.m; ++k) {
        const long at = k * kStride;
        ComplexLanes next = add_product(zero(), load(d + at), load(from + at));
        next = add_scaled(next, read, load(h + at));
        for (long f = 0; f < input.count; ++f)
          next = add_scaled(next, load_real(taps + f * kStateLanes), load(vectors + f * size + at));
        store(next, to + at);
        inner.add(load(g + at), next);
      }
      read = inner.total();
      hn::StoreU(read, Lane(), reads + i * kStateLanes + lane);
    }
  });
}

void read_states(const double* a, const double* states, long m, long n, double* out) {
  by_register([=](long lane) HWY_ATTR {
    for (long i = 0; i < n; ++i) {
      const double* z = states + i * state_size(m) + lane;
      Inner inner;
      for (long k = 0; k < m; ++k) inner.add(load(a + lane + k * kStride), load(z + k * kStride));
      hn::StoreU(inner.total(), Lane(), out + i * kStateLanes + lane);
    }
  });
}

void add_states(const double* factors, long stride, const double* states, long m, long n, double* y) {
  by_register([=](long lane) HWY_ATTR {
    for (long at = lane; at < m * kStride; at += kStride) {
      ComplexLanes sum = load(y + at);
      for (long i = 0; i < n; ++i)
        sum = add_scaled(sum, load_real(factors + i * stride * kStateLanes + lane),
                         load(states + i * state_size(m) + at));
      store(sum, y + at);
    }
  });
}

void add_state_products(const double* a, const double* b, long m, long n, double* y) {
  by_register([=](long lane) HWY_ATTR {
    for (long at = lane; at < m * kStride; at += kStride) {
      ComplexLanes sum = load(y + at);
      for (long i = 0; i < n; ++i)
        sum = add_product(sum, load(a + i * state_size(m) + at), load(b + i * state_size(m) + at));
      store(sum, y + at);
    }
  });
}

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lra::inline LRA_ENGINE::kernels {

HWY_EXPORT(advance_states);
HWY_EXPORT(retreat_states);
HWY_EXPORT(read_states);
HWY_EXPORT(add_states);
HWY_EXPORT(add_state_products);

void advance_states(const StateStep& step, long n, double* states, double* reads) {
  HWY_DYNAMIC_DISPATCH(advance_states)(step, n, states, reads);
}
void retreat_states(const StateStep& step, const StateInput& input, long n, double* states, double* reads) {
  HWY_DYNAMIC_DISPATCH(retreat_states)(step, input, n, states, reads);
}
void read_states(const double* a, const double* states, long m, long n, double* out) {
  HWY_DYNAMIC_DISPATCH(read_states)(a, states, m, n, out);
}
void add_states(const double* factors, long stride, const double* states, long m, long n, double* y) {
  HWY_DYNAMIC_DISPATCH(add_states)(factors, stride, states, m, n, y);
}
void add_state_products(const double* a, const double* b, long m, long n, double* y) {
  HWY_DYNAMIC_DISPATCH(add_state_products)(a, b, m, n, y);
}

}  // namespace lra::inline LRA_ENGINE::kernels
#endif
