/// Kernel attention: keys and values meet first, so that the cost is linear in the number of tokens.
///
/// Values carry a column of ones, so that one product gives numerator and denominator. With `causal`, the sum over the
/// keys before a query is cut at the chunk that the query lies in: earlier chunks are one matrix, the own one is a
/// small triangle. Gates let keys fade: what a key still counts for a query is the product of the gates between.
#include <algorithm>
#include <array>
#include <cmath>

#include "harness/core/error.h"
#include "models/ops/head_view.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kChunk = 128;
/// A denominator below this is no sum of features but what underflow left of one; its row becomes 0.
constexpr double kNothing = 1e-20;

/// Sums over keys: one of all keys, or with `causal` one before each chunk. Kept for backward.
using States = std::vector<Tensor>;

/// One head of one sequence, which begins at token `begin`.
struct Head {
  ConstView q, k, values;
  const Tensor& log_gates;
  long begin, head;
};

/// What the gates of a chunk leave: products of gates. Undefined without gates.
struct Fading {
  Tensor since;    // (n): of what came before the chunk, for each query
  Tensor until;    // (n): of each key, at the chunk's end
  Tensor between;  // (n,n): of the column's key for the row's query, 0 for later keys
  Real whole = 1;  // of what came before, at the chunk's end

  Fading(const Head& h, long at, long n) {
    if (!h.log_gates.defined()) return;
    const long count = h.log_gates.dim(1);
    std::array<double, kChunk> sums;  // of the chunk's gates up to a row, in logarithms
    double sum = 0;
    for (long i = 0; i < n; ++i)
      sums[std::size_t(i)] = sum += double(h.log_gates.data()[(h.begin + at + i) * count + h.head]);
    since = Tensor::empty({n}), until = Tensor::empty({n}), between = Tensor::zeros({n, n});
    for (long i = 0; i < n; ++i) {
      const double own = sums[std::size_t(i)];
      since.data()[i] = Real(own), until.data()[i] = Real(sum - own);
      for (long j = 0; j <= i; ++j) between.data()[i * n + j] = Real(own - sums[std::size_t(j)]);
      kernels::exponential(between.data() + i * n, between.data() + i * n, i + 1);
    }
    kernels::exponential(since.data(), since.data(), n);
    kernels::exponential(until.data(), until.data(), n);
    whole = Real(std::exp(sum));
  }
};

/// The rows of x times factors, in `memory`; x itself where there are none.
ConstView faded(const ConstView& x, const Tensor& factors, Tensor& memory) {
  if (!factors.defined()) return x;
  memory = Tensor::empty({x.rows, x.cols});
  for (long i = 0; i < x.rows; ++i) kernels::copy(x.data + i * x.stride, memory.data() + i * x.cols, x.cols);
  kernels::scale_rows(factors.data(), memory.matrix());
  return memory.matrix();
}

/// The values of one head, and a column of ones.
Tensor with_ones(const ConstView& v) {
  Tensor y = Tensor::empty({v.rows, v.cols + 1});
  for (long i = 0; i < v.rows; ++i) {
    kernels::copy(v.data + i * v.stride, y.data() + i * (v.cols + 1), v.cols);
    y.data()[i * (v.cols + 1) + v.cols] = 1;
  }
  return y;
}

/// a · bᵀ times what is left of the column for the row where the column is not after the row, else 0.
Tensor lower_triangle(const ConstView& a, const ConstView& b, const Tensor& left) {
  Tensor y = Tensor::empty({a.rows, b.rows});
  kernels::gemm(a, false, b, true, y.matrix());
  for (long i = 0; i < a.rows; ++i) kernels::fill(y.data() + i * b.rows + i + 1, b.rows - i - 1, 0);
  if (left.defined()) kernels::multiply(left.data(), y.data(), y.size());
  return y;
}

void forward_all(const Head& h, View out, States& states) {
  Tensor sum = Tensor::empty({h.k.cols, h.values.cols});
  kernels::gemm(h.k, true, h.values, false, sum.matrix());
  kernels::gemm(h.q, false, sum.matrix(), false, out);
  states.push_back(std::move(sum));
}

void forward_causal(const Head& h, View out, States& states) {
  Tensor sum = Tensor::zeros({h.k.cols, h.values.cols}), memory;
  for (long at = 0; at < h.q.rows; at += kChunk) {
    const long n = std::min(kChunk, h.q.rows - at);
    const ConstView q = part_of(h.q, at, n), k = part_of(h.k, at, n), v = part_of(h.values, at, n);
    const Fading fading(h, at, n);
    kernels::gemm(faded(q, fading.since, memory), false, sum.matrix(), false, part_of(out, at, n));
    const Tensor near = lower_triangle(q, k, fading.between);
    kernels::gemm(near.matrix(), false, v, false, part_of(out, at, n), true);
    states.push_back(Tensor::copy_of(sum));
    if (at + n == h.q.rows) break;
    if (fading.whole != 1) kernels::scale(sum.data(), sum.size(), fading.whole);
    kernels::gemm(faded(k, fading.until, memory), true, v, false, sum.matrix(), true);
  }
}

/// Adds to dq and dk; dv is written.
void backward_all(const Head& h, const ConstView& dout, const Tensor* states, View dq, View dk, View dv) {
  Tensor dsum = Tensor::empty(states->shape());
  kernels::gemm(h.q, true, dout, false, dsum.matrix());
  kernels::gemm(dout, false, states->matrix(), true, dq, true);
  kernels::gemm(h.values, false, dsum.matrix(), true, dk, true);
  kernels::gemm(h.k, false, dsum.matrix(), false, dv);
}

void backward_causal(const Head& h, const ConstView& dout, const Tensor* states, View dq, View dk, View dv) {
  Tensor later = Tensor::zeros(states->shape());  // gradient of the state, from chunks after this one
  Tensor d_memory, k_memory, v_memory;
  for (long at = (h.q.rows - 1) / kChunk * kChunk; at >= 0; at -= kChunk) {
    const long n = std::min(kChunk, h.q.rows - at);
    const ConstView q = part_of(h.q, at, n), k = part_of(h.k, at, n), v = part_of(h.values, at, n);
    const ConstView d = part_of(dout, at, n);
    const Fading fading(h, at, n);
    const Tensor near = lower_triangle(q, k, fading.between), dnear = lower_triangle(d, v, fading.between);
    const ConstView d_before = faded(d, fading.since, d_memory);
    kernels::gemm(d_before, false, states[at / kChunk].matrix(), true, part_of(dq, at, n), true);
    kernels::gemm(dnear.matrix(), false, k, false, part_of(dq, at, n), true);
    kernels::gemm(faded(v, fading.until, v_memory), false, later.matrix(), true, part_of(dk, at, n), true);
    kernels::gemm(dnear.matrix(), true, q, false, part_of(dk, at, n), true);
    kernels::gemm(faded(k, fading.until, k_memory), false, later.matrix(), false, part_of(dv, at, n));
    kernels::gemm(near.matrix(), true, d, false, part_of(dv, at, n), true);
    if (at == 0) break;
    if (fading.whole != 1) kernels::scale(later.data(), later.size(), fading.whole);
    kernels::gemm(q, true, d_before, false, later.matrix(), true);
  }
}

/// Adds to the gradients of one head's gates, in logarithms. A query has each product of gates as often as its own
/// features, a key inversely: with L the sum of logarithms, dL_t = q_t·dq_t − k_t·dk_t.
void gates_backward(const Head& h, const Tensor& dq, const Tensor& dk, Tensor& dlog_gates) {
  const long n = dq.dim(0), count = dlog_gates.dim(1);
  Tensor of_queries = Tensor::empty({n}), of_keys = Tensor::empty({n});
  kernels::row_dots(h.q, dq.matrix(), of_queries.data());
  kernels::row_dots(h.k, dk.matrix(), of_keys.data());
  double later = 0;
  for (long t = n - 1; t >= 0; --t) {
    later += double(of_queries.data()[t]) - double(of_keys.data()[t]);
    dlog_gates.data()[(h.begin + t) * count + h.head] += Real(later);
  }
}

/// How little a denominator may be.
struct Least {
  double share;  // of the number of keys seen
  bool causal, gated;
  Real of(long query, long keys) const { return Real(share * double(gated ? 1 : causal ? query + 1 : keys)); }
};

/// Divides numerators by denominators into `y`; returns the inverse denominators in `inverse`.
void divide(const Tensor& out, double epsilon, const Least& least, View y, Real* inverse) {
  for (long i = 0; i < y.rows; ++i) {
    const Real* row = out.data() + i * out.dim(1);
    const Real mass = std::max(row[y.cols] + Real(epsilon), least.of(i, y.rows));
    inverse[i] = mass > Real(kNothing) ? 1 / mass : 0;
    kernels::copy(row, y.data + i * y.stride, y.cols);
  }
  kernels::scale_rows(inverse, y);
}

/// The gradient of numerators and, in the last column, denominators.
Tensor divide_backward(const ConstView& y, const ConstView& dy, const Least& least, const Real* inverse) {
  Tensor dout = Tensor::empty({y.rows, y.cols + 1}), dots = Tensor::empty({y.rows});
  kernels::row_dots(y, dy, dots.data());
  for (long i = 0; i < y.rows; ++i) {
    const bool at_least = inverse[i] == 1 / least.of(i, y.rows);  // such a denominator is a constant
    kernels::copy(dy.data + i * dy.stride, dout.data() + i * dout.dim(1), y.cols);
    dout.data()[i * dout.dim(1) + y.cols] = at_least ? 0 : -dots.data()[i];
  }
  kernels::scale_rows(inverse, dout.matrix());
  return dout;
}

/// backward_causal with the gates' gradient, where there are gates.
void backward_gated(const Head& h, const ConstView& dout, const Tensor* states, View dq, View dk, View dv,
                    Tensor& dlog_gates) {
  if (!h.log_gates.defined()) return backward_causal(h, dout, states, dq, dk, dv);
  Tensor own_dq = Tensor::zeros({dq.rows, dq.cols}), own_dk = Tensor::zeros({dk.rows, dk.cols});
  backward_causal(h, dout, states, own_dq.matrix(), own_dk.matrix(), dv);
  gates_backward(h, own_dq, own_dk, dlog_gates);
  for (long i = 0; i < dq.rows; ++i) {
    kernels::add(own_dq.data() + i * dq.cols, dq.data + i * dq.stride, dq.cols);
    kernels::add(own_dk.data() + i * dk.cols, dk.data + i * dk.stride, dk.cols);
  }
}

void check_sums(const Tensor& fq, const Tensor& fk, const Tensor& v, const Tensor& log_gates, long head_count,
                const Pack& pack) {
  const long tokens = pack.tokens(), m = fq.dim(1) / head_count, d = v.dim(1) / head_count;
  expect_shape(fq, {tokens, m * head_count}, "kernel attention: queries");
  expect_shape(fk, {tokens, m * head_count}, "kernel attention: keys");
  expect_shape(v, {tokens, d * head_count}, "kernel attention: values");
  if (log_gates.defined()) expect_shape(log_gates, {tokens, head_count}, "kernel attention: gates");
}

}  // namespace

Tensor kernel_attention(const Tensor& fq, const Tensor& fk, const Tensor& v, long head_count, double epsilon,
                        const Pack& pack, bool causal, const Tensor& log_gates, double least) {
  check_sums(fq, fk, v, log_gates, head_count, pack);
  if (log_gates.defined() && !causal) fail("[kernel_attention] gates are between a key and later queries");
  const long tokens = pack.tokens(), m = fq.dim(1) / head_count, d = v.dim(1) / head_count;
  const Least limit{least, causal, log_gates.defined()};
  Tensor y = Tensor::empty(v.shape()), inverse = Tensor::empty({head_count, tokens});
  States states;
  std::vector<std::size_t> first;  // of each sequence and head, in `states`
  for (long s = 0; s < pack.count(); ++s)
    for (long h = 0; h < head_count; ++h) {
      const long at = pack.begin(s), n = pack.size(s);
      const Tensor values = with_ones(head_view(v, at, n, h, d));
      const Head head{head_view(fq, at, n, h, m), head_view(fk, at, n, h, m), values.matrix(), log_gates, at, h};
      Tensor out = Tensor::empty({n, d + 1});
      first.push_back(states.size());
      (causal ? forward_causal : forward_all)(head, out.matrix(), states);
      divide(out, epsilon, limit, head_view(y, at, n, h, d), inverse.data() + h * tokens + at);
    }
  if (!recording()) return y;
  return record(y, [=, states = std::move(states), first = std::move(first)](Tensor dy) {
    Tensor dfq = sink_zeroed(fq), dfk = sink_zeroed(fk), dv = sink_zeroed(v);
    Tensor dlog_gates = log_gates.defined() ? sink_zeroed(log_gates) : Tensor();
    for (long s = 0; s < pack.count(); ++s)
      for (long h = 0; h < head_count; ++h) {
        const long at = pack.begin(s), n = pack.size(s);
        const Tensor values = with_ones(head_view(v, at, n, h, d));
        const Head head{head_view(fq, at, n, h, m), head_view(fk, at, n, h, m), values.matrix(), log_gates, at, h};
        const Tensor dout = divide_backward(head_view(y, at, n, h, d), head_view(dy, at, n, h, d), limit,
                                            inverse.data() + h * tokens + at);
        const Tensor* own = &states[first[std::size_t(s * head_count + h)]];
        const View dq = head_view(dfq, at, n, h, m), dk = head_view(dfk, at, n, h, m),
                   place = head_view(dv, at, n, h, d);
        Tensor dvalues = Tensor::empty({n, d + 1});
        if (causal)
          backward_gated(head, dout.matrix(), own, dq, dk, dvalues.matrix(), dlog_gates);
        else
          backward_all(head, dout.matrix(), own, dq, dk, dvalues.matrix());
        for (long i = 0; i < n; ++i) kernels::add(dvalues.data() + i * (d + 1), place.data + i * place.stride, d);
      }
  });
}

Tensor causal_sums(const Tensor& a, const Tensor& b, const Tensor& c, long head_count, const Pack& pack,
                   const Tensor& log_gates) {
  check_sums(a, b, c, log_gates, head_count, pack);
  const long m = a.dim(1) / head_count, d = c.dim(1) / head_count;
  const auto head_of = [=](long s, long h) {
    const long at = pack.begin(s), n = pack.size(s);
    return Head{head_view(a, at, n, h, m), head_view(b, at, n, h, m), head_view(c, at, n, h, d), log_gates, at, h};
  };
  Tensor y = Tensor::empty(c.shape());
  States states;
  std::vector<std::size_t> first;
  for (long s = 0; s < pack.count(); ++s)
    for (long h = 0; h < head_count; ++h) {
      first.push_back(states.size());
      forward_causal(head_of(s, h), head_view(y, pack.begin(s), pack.size(s), h, d), states);
    }
  return record(std::move(y), [=, states = std::move(states), first = std::move(first)](Tensor dy) {
    Tensor da = sink_zeroed(a), db = sink_zeroed(b), dc = sink_zeroed(c);
    Tensor dlog_gates = log_gates.defined() ? sink_zeroed(log_gates) : Tensor();
    for (long s = 0; s < pack.count(); ++s)
      for (long h = 0; h < head_count; ++h) {
        const long at = pack.begin(s), n = pack.size(s);
        Tensor dvalues = Tensor::empty({n, d});
        backward_gated(head_of(s, h), head_view(std::as_const(dy), at, n, h, d),
                       &states[first[std::size_t(s * head_count + h)]], head_view(da, at, n, h, m),
                       head_view(db, at, n, h, m), dvalues.matrix(), dlog_gates);
        add_to_head(dvalues, dc, at, n, h);
      }
  });
}

}  // namespace lra::inline LRA_ENGINE
