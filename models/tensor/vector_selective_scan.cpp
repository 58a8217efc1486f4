/// Selective scans by vectors of features, whose states stay in the nearest cache.
#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/tensor/vector_selective_scan.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>

#include "models/tensor/detail/selective_scan.h"
#include "models/tensor/detail/vector_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

/// A vector of columns of a matrix, beginning at column `first`; beyond the last column it reads zeros and writes
/// nothing.
struct Columns {
  long first, rest;
  HWY_INLINE V read(const ConstView& x, long row) const {
    const float* p = x.data + row * x.stride + first;
    return rest >= kLanes ? load(p) : load_first(p, rest);
  }
  HWY_INLINE void add(V v, const View& y, long row) const {
    float* p = y.data + row * y.stride + first;
    if (rest >= kLanes)
      store(hn::Add(v, load(p)), p);
    else
      store_first(hn::Add(v, load_first(p, rest)), p, rest);
  }
};

void selective_scan(const ScanChunk& x, float* state, View y) {
  const long states = x.b.cols, width = scan_width(x.u.cols);
  for (long f = 0; f < x.u.cols; f += kLanes) {
    const Columns own{f, x.u.cols - f};
    for (long t = 0; t < x.u.rows; ++t) {
      const float *b = x.b.data + t * x.b.stride, *c = x.c.data + t * x.c.stride;
      const V step = own.read(x.step, t), in = hn::Mul(step, own.read(x.u, t));
      V out = hn::Zero(kFloats);
      for (long m = 0; m < states; ++m) {
        const V kept = hn::Mul(exp_normal(hn::Mul(step, load(x.rates + m * width + f))), load(state + m * width + f));
        const V h = hn::MulAdd(set(b[m]), in, kept);
        out = hn::MulAdd(set(c[m]), x.strict ? kept : h, out);
        store(h, state + m * width + f);
      }
      own.add(out, y, t);
    }
  }
}

/// What backward knows of a vector of features: of each token and state a_t and a_t·h_{t−1}.
struct Recomputed {
  float *decay, *kept;

  HWY_INLINE void fill(const ScanChunk& x, const Columns& own, const float* state, float* h) const {
    const long states = x.b.cols, width = scan_width(x.u.cols);
    for (long m = 0; m < states; ++m) store(load(state + m * width + own.first), h + m * kLanes);
    for (long t = 0; t < x.u.rows; ++t) {
      const float* b = x.b.data + t * x.b.stride;
      const V step = own.read(x.step, t), in = hn::Mul(step, own.read(x.u, t));
      for (long m = 0; m < states; ++m) {
        const long at = (t * states + m) * kLanes;
        const V a = exp_normal(hn::Mul(step, load(x.rates + m * width + own.first)));
        const V product = hn::Mul(a, load(h + m * kLanes));
        store(a, decay + at);
        store(product, kept + at);
        store(hn::MulAdd(set(b[m]), in, product), h + m * kLanes);
      }
    }
  }
};

HWY_INLINE void add_product(V a, V b, float* y) { store(hn::MulAdd(a, b, load(y)), y); }

/// Adds the gradients of a vector of features; those of b and c as vectors (n,M,kLanes), still to be summed. See
/// reference_selective_scan.cpp for the derivation.
HWY_INLINE void columns_backward(const ScanChunk& x, const Columns& own, const Recomputed& known, const ConstView& dy,
                                 float* dstate, const ScanGradients& d, float* db, float* dc) {
  const long states = x.b.cols, width = scan_width(x.u.cols);
  for (long t = x.u.rows - 1; t >= 0; --t) {
    const float *b = x.b.data + t * x.b.stride, *c = x.c.data + t * x.c.stride;
    const V u = own.read(x.u, t), step = own.read(x.step, t), dout = own.read(dy, t), in = hn::Mul(step, u);
    V din = hn::Zero(kFloats), dexponent = hn::Zero(kFloats);  // the latter over the step
    for (long m = 0; m < states; ++m) {
      const long at = (t * states + m) * kLanes, column = m * width + own.first;
      const V kept = load(known.kept + at), later = load(dstate + column);
      const V whole = hn::MulAdd(set(c[m]), dout, later), entered = x.strict ? later : whole;
      add_product(dout, x.strict ? kept : hn::MulAdd(set(b[m]), in, kept), dc + at);
      add_product(entered, in, db + at);
      din = hn::MulAdd(entered, set(b[m]), din);
      const V product = hn::Mul(whole, kept);
      dexponent = hn::MulAdd(product, load(x.rates + column), dexponent);
      add_product(product, step, d.rates + column);
      store(hn::Mul(load(known.decay + at), whole), dstate + column);
    }
    own.add(hn::Mul(din, step), d.u, t);
    own.add(hn::MulAdd(din, u, dexponent), d.step, t);
  }
}

void selective_scan_backward(const ScanChunk& x, const float* state, ConstView dy, float* dstate,
                             const ScanGradients& d, float* scratch) {
  const long n = x.u.rows, states = x.b.cols, size = n * states * kLanes;
  const Recomputed known{scratch, scratch + size};
  float *db = scratch + 2 * size, *dc = db + size, *h = dc + size;
  std::fill_n(db, 2 * size, 0.0f);
  for (long f = 0; f < x.u.cols; f += kLanes) {
    const Columns own{f, x.u.cols - f};
    known.fill(x, own, state, h);
    columns_backward(x, own, known, dy, dstate, d, db, dc);
  }
  for (long t = 0; t < n; ++t)
    for (long m = 0; m < states; ++m) {
      d.b.data[t * d.b.stride + m] += sum_lanes(load(db + (t * states + m) * kLanes));
      d.c.data[t * d.c.stride + m] += sum_lanes(load(dc + (t * states + m) * kLanes));
    }
}

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lra::inline LRA_ENGINE::kernels {

HWY_EXPORT(selective_scan);
HWY_EXPORT(selective_scan_backward);

void selective_scan(const ScanChunk& x, Real* state, View y) { HWY_DYNAMIC_DISPATCH(selective_scan)(x, state, y); }
void selective_scan_backward(const ScanChunk& x, const Real* state, ConstView dy, Real* dstate, const ScanGradients& d,
                             Real* scratch) {
  HWY_DYNAMIC_DISPATCH(selective_scan_backward)(x, state, dy, dstate, d, scratch);
}

}  // namespace lra::inline LRA_ENGINE::kernels
#endif
