/// Kernel attention: multiplies keys and values first, so that the cost is linear in the number of tokens.
///
/// Values have an additional column of ones, so that one product computes numerator and denominator. Sums over keys are
/// stored transposed: a width that is not a multiple of the vector width costs nothing as a number of rows. If causal,
/// the sum over the keys before a query is split at the start of the query's chunk: earlier chunks are one matrix, the
/// query's own chunk is a small triangle. Gates let keys decay: the weight of a key for a query is the product of the
/// gates between them.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "models/ops/detail/head_view.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kChunk = 128;
/// A denominator below this is the remainder of an underflow, not a sum of features; its row becomes 0.
constexpr double kNothing = 1e-20;

/// Sums over keys (width of values, features): one over all keys, or if causal one before each chunk. Kept for
/// backward.
using States = std::vector<Tensor>;

/// One head of one sequence; the sequence begins at token `begin`.
struct Head {
  ConstView q, k, values;
  const Tensor& log_gates;
  long begin, head;
};

/// The decay factors within a chunk: products of gates. Undefined without gates.
struct Decay {
  Tensor since;    // (n): of the state before the chunk, for each query
  Tensor until;    // (n): of each key, at the end of the chunk
  Tensor between;  // (n,n): of key (column) for query (row), 0 for later keys
  Real whole = 1;  // of the state before the chunk, at its end

  Decay(const Head& h, long at, long n) {
    if (!h.log_gates.defined()) return;
    const long count = h.log_gates.dim(1);
    std::array<double, kChunk> sums;  // cumulative sums of the chunk's log gates
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

/// The rows of x times `factors`, stored in `memory`; x itself if factors is undefined.
ConstView decayed(const ConstView& x, const Tensor& factors, Tensor& memory) {
  if (!factors.defined()) return x;
  memory = Tensor::empty({x.rows, x.cols});
  kernels::copy_rows(x, memory.matrix());
  kernels::scale_rows(factors.data(), memory.matrix());
  return memory.matrix();
}

View first_columns(const View& x, long n) { return {x.data, x.rows, n, x.stride}; }
ConstView first_columns(const ConstView& x, long n) { return {x.data, x.rows, n, x.stride}; }

/// The values of one head, with a column of ones appended.
Tensor with_ones(const ConstView& v) {
  Tensor y = Tensor::empty({v.rows, v.cols + 1});
  kernels::copy_rows(v, first_columns(y.matrix(), v.cols));
  for (long i = 0; i < v.rows; ++i) y.data()[i * (v.cols + 1) + v.cols] = 1;
  return y;
}

/// a · bᵀ, times `left` if defined, on and below the diagonal; 0 above it.
Tensor lower_triangle(const ConstView& a, const ConstView& b, const Tensor& left) {
  Tensor y = Tensor::empty({a.rows, b.rows});
  kernels::gemm(a, false, b, true, y.matrix());
  for (long i = 0; i < a.rows; ++i) kernels::fill(y.data() + i * b.rows + i + 1, b.rows - i - 1, 0);
  if (left.defined()) kernels::multiply(left.data(), y.data(), y.size());
  return y;
}

void forward_all(const Head& h, View out, States& states) {
  Tensor sum = Tensor::empty({h.values.cols, h.k.cols});
  kernels::gemm(h.values, true, h.k, false, sum.matrix());
  kernels::gemm(h.q, false, sum.matrix(), true, out);
  states.push_back(std::move(sum));
}

void forward_causal(const Head& h, View out, States& states) {
  Tensor sum = carried_state({h.values.cols, h.k.cols}), memory;
  for (long at = 0; at < h.q.rows; at += kChunk) {
    const long n = std::min(kChunk, h.q.rows - at);
    const ConstView q = part_of(h.q, at, n), k = part_of(h.k, at, n), v = part_of(h.values, at, n);
    const Decay decay(h, at, n);
    kernels::gemm(decayed(q, decay.since, memory), false, sum.matrix(), true, part_of(out, at, n));
    const Tensor near = lower_triangle(q, k, decay.between);
    kernels::gemm(near.matrix(), false, v, false, part_of(out, at, n), true);
    states.push_back(Tensor::copy_of(sum));
    if (at + n == h.q.rows && !stepping()) break;
    if (decay.whole != 1) kernels::scale(sum.data(), sum.size(), decay.whole);
    kernels::gemm(v, true, decayed(k, decay.until, memory), false, sum.matrix(), true);
  }
}

/// The destinations of a head's gradients, and whether to add or overwrite. `v` has no column of ones.
struct Gradients {
  View q, k, v;
  bool add_q, add_k, add_v;
};

void backward_all(const Head& h, const ConstView& dout, const Tensor* states, const Gradients& to) {
  Tensor dsum = Tensor::empty(states->shape());
  kernels::gemm(dout, true, h.q, false, dsum.matrix());
  kernels::gemm(dout, false, states->matrix(), false, to.q, to.add_q);
  kernels::gemm(h.values, false, dsum.matrix(), false, to.k, to.add_k);
  kernels::gemm(h.k, false, part_of(dsum, 0, to.v.cols), true, to.v, to.add_v);
}

void backward_causal(const Head& h, const ConstView& dout, const Tensor* states, const Gradients& to) {
  Tensor later = Tensor::zeros(states->shape());  // gradient of the state from later chunks
  Tensor d_memory, k_memory, v_memory;
  for (long at = (h.q.rows - 1) / kChunk * kChunk; at >= 0; at -= kChunk) {
    const long n = std::min(kChunk, h.q.rows - at);
    const ConstView q = part_of(h.q, at, n), k = part_of(h.k, at, n), v = part_of(h.values, at, n);
    const View dq = part_of(to.q, at, n), dk = part_of(to.k, at, n), dv = part_of(to.v, at, n);
    const ConstView d = part_of(dout, at, n);
    const Decay decay(h, at, n);
    const Tensor near = lower_triangle(q, k, decay.between), dnear = lower_triangle(d, v, decay.between);
    const ConstView d_before = decayed(d, decay.since, d_memory);
    kernels::gemm(d_before, false, states[at / kChunk].matrix(), false, dq, to.add_q);
    kernels::gemm(dnear.matrix(), false, k, false, dq, true);
    kernels::gemm(decayed(v, decay.until, v_memory), false, later.matrix(), false, dk, to.add_k);
    kernels::gemm(dnear.matrix(), true, q, false, dk, true);
    kernels::gemm(decayed(k, decay.until, k_memory), false, part_of(later, 0, dv.cols), true, dv, to.add_v);
    kernels::gemm(near.matrix(), true, first_columns(d, dv.cols), false, dv, true);
    if (at == 0) break;
    if (decay.whole != 1) kernels::scale(later.data(), later.size(), decay.whole);
    kernels::gemm(d_before, true, q, false, later.matrix(), true);
  }
}

/// Adds to the gradients of one head's log gates. A query's features enter as exp(L_t)·q_t and a key's as
/// exp(−L_t)·k_t, L the cumulative sum of log gates, so dL_t = q_t·dq_t − k_t·dk_t.
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

/// The lower bound of denominators.
struct Least {
  double share;  // fraction of the number of visible keys
  bool causal, gated;
  long before = 0;  // keys of earlier passes
  Real of(long query, long keys) const { return Real(share * double(gated ? 1 : causal ? before + query + 1 : keys)); }
};

/// Writes numerators divided by denominators to `y`, and the inverse denominators to `inverse`.
void divide(const Tensor& out, double epsilon, const Least& least, View y, Real* inverse) {
  for (long i = 0; i < y.rows; ++i) {
    const Real mass = std::max(out.data()[i * out.dim(1) + y.cols] + Real(epsilon), least.of(i, y.rows));
    inverse[i] = mass > Real(kNothing) ? 1 / mass : 0;
  }
  kernels::copy_rows(first_columns(out.matrix(), y.cols), y);
  kernels::scale_rows(inverse, y);
}

/// The gradient of the numerators and, in the last column, of the denominators.
Tensor divide_backward(const ConstView& y, const ConstView& dy, const Least& least, const Real* inverse) {
  Tensor dout = Tensor::empty({y.rows, y.cols + 1}), dots = Tensor::empty({y.rows});
  kernels::row_dots(y, dy, dots.data());
  kernels::copy_rows(dy, first_columns(dout.matrix(), y.cols));
  for (long i = 0; i < y.rows; ++i) {
    const bool at_least = inverse[i] == 1 / least.of(i, y.rows);  // a clamped denominator is a constant
    dout.data()[i * dout.dim(1) + y.cols] = at_least ? 0 : -dots.data()[i];
  }
  kernels::scale_rows(inverse, dout.matrix());
  return dout;
}

/// backward_causal, plus the gradient of the gates if there are any.
void backward_gated(const Head& h, const ConstView& dout, const Tensor* states, const Gradients& to,
                    Tensor& dlog_gates) {
  if (!h.log_gates.defined()) return backward_causal(h, dout, states, to);
  const auto own = [](const View& place) { return Tensor::empty({place.rows, place.cols}); };
  Tensor own_dq = own(to.q), own_dk = own(to.k), own_dv = own(to.v);
  backward_causal(h, dout, states, {own_dq.matrix(), own_dk.matrix(), own_dv.matrix(), false, false, false});
  gates_backward(h, own_dq, own_dk, dlog_gates);
  (to.add_q ? kernels::add_rows : kernels::copy_rows)(own_dq.matrix(), to.q);
  (to.add_k ? kernels::add_rows : kernels::copy_rows)(own_dk.matrix(), to.k);
  (to.add_v ? kernels::add_rows : kernels::copy_rows)(own_dv.matrix(), to.v);
}

/// The gradient sinks of the op's three inputs, by sequence and head. Inputs that are the same tensor share one
/// gradient: the first in the order q, k, v overwrites it, the others add.
struct GradientSinks {
  GradientSink q, k, v;
  GradientSinks(const Tensor& fq, const Tensor& fk, const Tensor& values)
      : q(gradient_sink(fq)), k(gradient_sink(fk)), v(gradient_sink(values)) {}

  Gradients of(long at, long n, long head, long m, long d) {
    return {head_view(q.gradient, at, n, head, m),
            head_view(k.gradient, at, n, head, m),
            head_view(v.gradient, at, n, head, d),
            q.add,
            k.add,
            v.add};
  }
};

void check_sums(const Tensor& fq, const Tensor& fk, const Tensor& v, const Tensor& log_gates, long head_count,
                const SequenceLayout& layout, const char* op) {
  head_width(fq, head_count, op, "queries");
  head_width(v, head_count, op, "values");
  expect_packed(fq, layout, op, "queries");
  expect_input(fk, fq.shape(), op, "keys");
  expect_packed(v, layout, op, "values");
  if (log_gates.defined()) expect_input(log_gates, {layout.tokens(), head_count}, op, "gates");
}

}  // namespace

Tensor kernel_attention(const Tensor& fq, const Tensor& fk, const Tensor& v, long head_count, double epsilon,
                        const SequenceLayout& layout, bool causal, const Tensor& log_gates, double least) {
  check_sums(fq, fk, v, log_gates, head_count, layout, "kernel_attention");
  if (log_gates.defined() && !causal) fail("[kernel_attention] gates require causal attention");
  expect_steps(causal, "kernel_attention", kSeesLaterTokens);
  const long tokens = layout.tokens(), m = fq.dim(1) / head_count, d = v.dim(1) / head_count;
  const Least limit{least, causal, log_gates.defined()};
  Tensor y = Tensor::empty(v.shape()), inverse = Tensor::empty({head_count, tokens});
  States states;
  std::vector<std::size_t> first;  // index in `states` for each sequence and head
  for (long s = 0; s < layout.count(); ++s)
    for (long h = 0; h < head_count; ++h) {
      const long at = layout.begin(s), n = layout.size(s);
      const Tensor values = with_ones(head_view(v, at, n, h, d));
      const Head head{head_view(fq, at, n, h, m), head_view(fk, at, n, h, m), values.matrix(), log_gates, at, h};
      Tensor out = Tensor::empty({n, d + 1});
      first.push_back(states.size());
      (causal ? forward_causal : forward_all)(head, out.matrix(), states);
      divide(out, epsilon, {least, causal, log_gates.defined(), tokens_before(s)}, head_view(y, at, n, h, d),
             inverse.data() + h * tokens + at);
    }
  if (!recording()) return y;
  return record(y, [=, states = std::move(states), first = std::move(first)](Tensor dy) {
    GradientSinks sinks(fq, fk, v);
    Tensor dlog_gates = log_gates.defined() ? zeroed_gradient_sink(log_gates) : Tensor();
    for (long s = 0; s < layout.count(); ++s)
      for (long h = 0; h < head_count; ++h) {
        const long at = layout.begin(s), n = layout.size(s);
        const Tensor values = with_ones(head_view(v, at, n, h, d));
        const Head head{head_view(fq, at, n, h, m), head_view(fk, at, n, h, m), values.matrix(), log_gates, at, h};
        const Tensor dout = divide_backward(head_view(y, at, n, h, d), head_view(dy, at, n, h, d), limit,
                                            inverse.data() + h * tokens + at);
        const Tensor* own = &states[first[std::size_t(s * head_count + h)]];
        if (causal)
          backward_gated(head, dout.matrix(), own, sinks.of(at, n, h, m, d), dlog_gates);
        else
          backward_all(head, dout.matrix(), own, sinks.of(at, n, h, m, d));
      }
  });
}

Tensor causal_sums(const Tensor& a, const Tensor& b, const Tensor& c, long head_count, const SequenceLayout& layout,
                   const Tensor& log_gates) {
  check_sums(a, b, c, log_gates, head_count, layout, "causal_sums");
  const long m = a.dim(1) / head_count, d = c.dim(1) / head_count;
  const auto head_of = [=](long s, long h) {
    const long at = layout.begin(s), n = layout.size(s);
    return Head{head_view(a, at, n, h, m), head_view(b, at, n, h, m), head_view(c, at, n, h, d), log_gates, at, h};
  };
  Tensor y = Tensor::empty(c.shape());
  States states;
  std::vector<std::size_t> first;
  for (long s = 0; s < layout.count(); ++s)
    for (long h = 0; h < head_count; ++h) {
      first.push_back(states.size());
      forward_causal(head_of(s, h), head_view(y, layout.begin(s), layout.size(s), h, d), states);
    }
  return record(std::move(y), [=, states = std::move(states), first = std::move(first)](Tensor dy) {
    GradientSinks sinks(a, b, c);
    Tensor dlog_gates = log_gates.defined() ? zeroed_gradient_sink(log_gates) : Tensor();
    for (long s = 0; s < layout.count(); ++s)
      for (long h = 0; h < head_count; ++h)
        backward_gated(head_of(s, h), head_view(std::as_const(dy), layout.begin(s), layout.size(s), h, d),
                       &states[first[std::size_t(s * head_count + h)]],
                       sinks.of(layout.begin(s), layout.size(s), h, m, d), dlog_gates);
  });
}

}  // namespace lra::inline LRA_ENGINE
