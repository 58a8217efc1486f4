/// Attention by the delta rule, as matrix products.
///
/// A token's key reads the memory before its value is written; what is written under the key is the value less what was
/// read, times β. A sequence is cut into chunks, and the state before a chunk stands for all earlier tokens. Whatever
/// queries and keys read in a chunk is then a product with that state plus products with what the chunk's earlier
/// tokens wrote. So the writes solve a triangular system, which takes products of blocks; backward, their gradients
/// solve its transpose. Each decay is the exponential of a sum of log decays, never of a difference of sums, which
/// would overflow or cancel.
#include <algorithm>
#include <limits>
#include <vector>

#include "models/ops/detail/head_pass.h"
#include "models/ops/detail/head_view.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kTokens = 64;  // of a chunk
constexpr long kRows = 16;    // of a triangular system, solved one by one

/// The inputs of a pass, n rows each, or their gradients.
struct HeadInputs {
  Tensor q, k, v, beta, log_decay;  // log_decay may be undefined: nothing decays
  long tokens() const { return q.dim(0); }
  long chunks() const { return (tokens() + kTokens - 1) / kTokens; }
};

/// What is left at row i of a chunk of what column j of the result has brought (n+1,n+1): column 0 is the state before
/// the chunk and column j + 1 the write of row j; row n is the end of the chunk. 0 where the write comes later.
Tensor what_is_left(const Real* log_decay, long n) {
  Tensor sums = Tensor::full({n + 1, n + 1}, -std::numeric_limits<Real>::infinity());
  sums.data()[0] = 0;
  for (long i = 0; i <= n; ++i) {
    Real* row = sums.data() + i * (n + 1);
    if (i > 0) kernels::copy(row - (n + 1), row, i + 1);
    for (long j = 0; log_decay && i < n && j <= i; ++j) row[j] += log_decay[i];
    if (i < n) row[i + 1] = 0;
  }
  kernels::exponential(sums.data(), sums.data(), sums.size());
  return sums;
}

/// The tokens of a chunk, and what they read of each other's writes.
struct DeltaChunk {
  long at, n;      // first token, tokens
  Tensor readers;  // (2n,M): the queries, then the keys, which read before their own token writes
  Tensor left;     // (n+1,n+1): what_is_left
  Tensor since;    // (2n): what is left of the state before the chunk at each reader
  Tensor scores;   // (2n,n): readers by keys, times what is left
  const Real* beta;

  DeltaChunk(const HeadInputs& x, long index);
  ConstView queries() const { return part_of(readers, 0, n); }
  ConstView keys() const { return part_of(readers, n, n); }
  ConstView query_scores() const { return part_of(scores, 0, n); }
  ConstView key_scores() const { return part_of(scores, n, n); }
  /// What is left of each write, and of the state before the chunk, at its end.
  const Real* until() const { return left.data() + n * (n + 1) + 1; }
  Real whole() const { return left.data()[n * (n + 1)]; }
  /// In place: scores of readers times what is left, a key's own score being 0.
  void apply_decays(Tensor& scores_of_readers) const;
};

DeltaChunk::DeltaChunk(const HeadInputs& x, long index)
    : at(index * kTokens), n(std::min(kTokens, x.tokens() - at)), beta(x.beta.data() + at) {
  readers = Tensor::empty({2 * n, x.q.dim(1)});
  kernels::copy_rows(part_of(x.q, at, n), part_of(readers, 0, n));
  kernels::copy_rows(part_of(x.k, at, n), part_of(readers, n, n));
  left = what_is_left(x.log_decay.defined() ? x.log_decay.data() + at : nullptr, n);
  since = Tensor::empty({2 * n});
  for (long r = 0; r < 2 * n; ++r) since.data()[r] = left.data()[r % n * (n + 1)];
  scores = Tensor::empty({2 * n, n});
  kernels::gemm(readers.matrix(), false, keys(), true, scores.matrix());
  apply_decays(scores);
}

void DeltaChunk::apply_decays(Tensor& scores_of_readers) const {
  for (long r = 0; r < 2 * n; ++r) {
    Real* row = scores_of_readers.data() + r * n;
    kernels::multiply(left.data() + r % n * (n + 1) + 1, row, n);
    if (r >= n) row[r - n] = 0;
  }
}

/// Solves x + scores·y = b with y = β ∘ x, in place of b. The scores (n,n) are 0 on the diagonal and above it;
/// `transposed` takes their transpose.
void solve_with_writes(const ConstView& scores, bool transposed, const Real* beta, View x, View y) {
  const long n = x.rows;
  for (long begin = 0; begin < n; begin += kRows) {
    const long rows = std::min(kRows, n - begin), at = transposed ? n - begin - rows : begin;
    const long known = transposed ? at + rows : 0;  // the first of `begin` rows that are solved
    if (begin > 0)
      kernels::gemm(transposed ? block(scores, known, begin, at, rows) : block(scores, at, rows, known, begin),
                    transposed, part_of(y, known, begin), false, part_of(x, at, rows), true, -1);
    for (long r = 0; r < rows; ++r) {
      const long i = transposed ? at + rows - 1 - r : at + r;
      for (long j = transposed ? i + 1 : at; j < (transposed ? at + rows : i); ++j) {
        const Real score = transposed ? scores.data[j * scores.stride + i] : scores.data[i * scores.stride + j];
        kernels::add_scaled(y.data + j * y.stride, -score, x.data + i * x.stride, x.cols);
      }
      kernels::copy(x.data + i * x.stride, y.data + i * y.stride, x.cols);
      kernels::scale(y.data + i * y.stride, x.cols, beta[i]);
    }
  }
  Context::current().work.flops += double(n * (kRows - 1) * x.cols);
}

/// What the tokens of a chunk write (n,D): values less what their keys read, and β times that.
struct Writes {
  Tensor errors, values;
};

Writes writes_of(const DeltaChunk& c, const ConstView& v, const Tensor& state) {
  Writes w{Tensor::empty({c.n, v.cols}), Tensor::empty({c.n, v.cols})};
  kernels::gemm(c.keys(), false, state.matrix(), false, w.errors.matrix(), false, -1);
  kernels::scale_rows(c.since.data(), w.errors.matrix());
  kernels::add_rows(v, w.errors.matrix());
  solve_with_writes(c.key_scores(), false, c.beta, w.errors.matrix(), w.values.matrix());
  return w;
}

/// A copy of x whose rows are multiplied by factors.
Tensor scaled_rows(const ConstView& x, const Real* factors) {
  Tensor y = Tensor::empty({x.rows, x.cols});
  kernels::copy_rows(x, y.matrix());
  kernels::scale_rows(factors, y.matrix());
  return y;
}

/// The state after a chunk (M,D), from the state before it.
void write_to(Tensor& state, const DeltaChunk& c, const Writes& w) {
  kernels::scale(state.data(), state.size(), c.whole());
  kernels::gemm(scaled_rows(c.keys(), c.until()).matrix(), true, w.values.matrix(), false, state.matrix(), true);
}

Tensor read_all(const HeadInputs& x) {
  Tensor y = Tensor::empty(x.v.shape()), state = carried_state({x.q.dim(1), x.v.dim(1)});
  for (long i = 0; i < x.chunks(); ++i) {
    const DeltaChunk c(x, i);
    const Writes w = writes_of(c, part_of(x.v, c.at, c.n), state);
    const View out = part_of(y, c.at, c.n);
    kernels::gemm(c.queries(), false, state.matrix(), false, out);
    kernels::scale_rows(c.since.data(), out);
    kernels::gemm(c.query_scores(), false, w.values.matrix(), false, out, true);
    if (i + 1 < x.chunks() || stepping()) write_to(state, c, w);
  }
  return y;
}

/// The gradient of a chunk's log decays: that of row t is the sum over what has been brought before it and is read on
/// or after it, of `products` (n+1,n+1), the values read and their gradients, in the order of what_is_left.
void decay_gradient(const Tensor& products, Real* to) {
  const long n = products.dim(0) - 1;
  std::vector<double> brought(std::size_t(n + 1), 0);
  for (long t = 0; t < n; ++t) {
    double sum = 0;
    for (long i = t; i <= n; ++i) sum += brought[std::size_t(i)] += double(products.data()[i * (n + 1) + t]);
    to[t] = Real(sum);
  }
}

/// The gradients that meet in a chunk.
struct ChunkDerivatives {
  const DeltaChunk& c;
  const Writes& writes;
  const Tensor& state;   // before the chunk
  const Tensor& later;   // the gradient of the state after it
  Tensor reads;          // (2n,D): of what the readers read
  Tensor readers, keys;  // (2n,M), (n,M): of the readers as such, and of the keys as what is written to
  Tensor products;       // see decay_gradient
};

/// Writes the gradients of β and of the values, and those of what the readers read. What is written is read by later
/// tokens, among them by keys, whose reading enters their own writes with a minus sign.
void writes_backward(ChunkDerivatives& d, const ConstView& dy, Real* dbeta, View dv) {
  const DeltaChunk& c = d.c;
  Tensor dwrites = Tensor::empty({c.n, dy.cols}), dots = Tensor::empty({c.n});
  kernels::gemm(c.query_scores(), true, dy, false, dwrites.matrix());
  kernels::gemm(scaled_rows(c.keys(), c.until()).matrix(), false, d.later.matrix(), false, dwrites.matrix(), true);
  solve_with_writes(c.key_scores(), true, c.beta, dwrites.matrix(), dv);
  kernels::row_dots(dwrites.matrix(), d.writes.errors.matrix(), dbeta);
  d.reads = Tensor::empty({2 * c.n, dy.cols});
  kernels::copy_rows(dy, part_of(d.reads, 0, c.n));
  kernels::copy_rows(dv, part_of(d.reads, c.n, c.n));
  kernels::scale(d.reads.data() + c.n * dy.cols, c.n * dy.cols, -1);
}

/// The gradients of readers and keys, and if `decays` the products.
void readings_backward(ChunkDerivatives& d, bool decays) {
  const DeltaChunk& c = d.c;
  const long n = c.n, m = c.readers.dim(1);
  Tensor dscores = Tensor::empty({2 * n, n});
  d.readers = Tensor::empty({2 * n, m}), d.keys = Tensor::empty({n, m});
  kernels::gemm(d.reads.matrix(), false, d.writes.values.matrix(), true, dscores.matrix());
  kernels::gemm(d.reads.matrix(), false, d.state.matrix(), true, d.readers.matrix());
  kernels::scale_rows(c.since.data(), d.readers.matrix());
  kernels::gemm(d.writes.values.matrix(), false, d.later.matrix(), true, d.keys.matrix());
  kernels::scale_rows(c.until(), d.keys.matrix());
  if (decays) {
    d.products = Tensor::zeros({n + 1, n + 1});
    Tensor of_state = Tensor::empty({2 * n}), kept = Tensor::empty({m});
    Real* last = d.products.data() + n * (n + 1);
    kernels::row_dots(c.readers.matrix(), d.readers.matrix(), of_state.data());
    kernels::row_dots(c.keys(), d.keys.matrix(), last + 1);
    kernels::row_dots(d.state.matrix(), d.later.matrix(), kept.data());
    for (long r = 0; r < 2 * n; ++r) {
      Real* row = d.products.data() + r % n * (n + 1);
      row[0] += of_state.data()[r];
      kernels::multiply_add(c.scores.data() + r * n, dscores.data() + r * n, row + 1, n);
    }
    for (long f = 0; f < m; ++f) last[0] += c.whole() * kept.data()[f];
  }
  c.apply_decays(dscores);
  kernels::gemm(dscores.matrix(), false, c.keys(), false, d.readers.matrix(), true);
  kernels::gemm(dscores.matrix(), true, c.readers.matrix(), false, d.keys.matrix(), true);
}

/// The gradients of a pass's inputs. States and writes are computed again, so that forward need not keep them.
HeadInputs gradients_of(const HeadInputs& x, const Tensor& dy) {
  std::vector<Tensor> states = {Tensor::zeros({x.q.dim(1), x.v.dim(1)})};
  std::vector<Writes> writes;
  for (long i = 0; i < x.chunks(); ++i) {
    const DeltaChunk c(x, i);
    writes.push_back(writes_of(c, part_of(x.v, c.at, c.n), states.back()));
    if (i + 1 == x.chunks()) break;
    states.push_back(Tensor::copy_of(states.back()));
    write_to(states.back(), c, writes.back());
  }
  HeadInputs d{Tensor::empty(x.q.shape()), Tensor::empty(x.k.shape()), Tensor::empty(x.v.shape()),
               Tensor::empty(x.beta.shape()), x.log_decay.defined() ? Tensor::empty(x.log_decay.shape()) : Tensor()};
  Tensor later = Tensor::zeros(states[0].shape());
  for (long i = x.chunks() - 1; i >= 0; --i) {
    const DeltaChunk c(x, i);
    ChunkDerivatives own{c, writes[std::size_t(i)], states[std::size_t(i)], later, {}, {}, {}, {}};
    writes_backward(own, part_of(dy, c.at, c.n), d.beta.data() + c.at, part_of(d.v, c.at, c.n));
    readings_backward(own, d.log_decay.defined());
    kernels::copy_rows(part_of(own.readers, 0, c.n), part_of(d.q, c.at, c.n));
    kernels::copy_rows(part_of(own.readers, c.n, c.n), part_of(d.k, c.at, c.n));
    kernels::add_rows(own.keys.matrix(), part_of(d.k, c.at, c.n));
    if (d.log_decay.defined()) decay_gradient(own.products, d.log_decay.data() + c.at);
    kernels::scale(later.data(), later.size(), c.whole());
    kernels::gemm(scaled_rows(c.readers.matrix(), c.since.data()).matrix(), true, own.reads.matrix(), false,
                  later.matrix(), true);
  }
  return d;
}

/// What a token's own write adds to its result: β (q·k) v.
Tensor of_own_writes(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& beta, long head_count) {
  const Tensor products = reshaped(multiply(q, k), q.dim(0) * head_count);
  return scale_heads(v, multiply(reshaped(sum(products, 1), q.dim(0)), beta));
}

}  // namespace

Tensor delta_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& beta, const Tensor& log_decay,
                       long head_count, const SequenceLayout& layout, Direction direction) {
  constexpr const char* kOp = "delta_attention";
  const long m = head_width(q, head_count, kOp, "queries"), d = head_width(v, head_count, kOp, "values");
  expect_packed(q, layout, kOp, "queries");
  expect_input(k, q.shape(), kOp, "keys");
  expect_packed(v, layout, kOp, "values");
  expect_input(beta, {q.dim(0), head_count}, kOp, "betas");
  if (log_decay.defined()) expect_input(log_decay, beta.shape(), kOp, "log decays");
  expect_steps(direction == Direction::forward, kOp, kSeesLaterTokens);
  if (direction == Direction::both)
    return subtract(add(delta_attention(q, k, v, beta, log_decay, head_count, layout, Direction::forward),
                        delta_attention(q, k, v, beta, log_decay, head_count, layout, Direction::backward)),
                    of_own_writes(q, k, v, beta, head_count));
  const std::vector<Pass> passes = passes_of(layout, head_count, direction);
  const auto inputs = [=](const Pass& p) {
    return HeadInputs{in_order(q, p, m), in_order(k, p, m), in_order(v, p, d), in_order(beta, p, 1),
                      log_decay.defined() ? in_order(log_decay, p, 1) : Tensor()};
  };
  Tensor y = Tensor::zeros(v.shape());
  for (const Pass& p : passes) add_in_order(read_all(inputs(p)), p, y);
  return record(std::move(y), [=](const Tensor& dy) {
    Tensor dq = zeroed_gradient_sink(q), dk = zeroed_gradient_sink(k), dv = zeroed_gradient_sink(v);
    Tensor dbeta = zeroed_gradient_sink(beta), dlog_decay;
    if (log_decay.defined()) dlog_decay = zeroed_gradient_sink(log_decay);
    for (const Pass& p : passes) {
      const HeadInputs own = gradients_of(inputs(p), in_order(dy, p, d));
      add_in_order(own.q, p, dq);
      add_in_order(own.k, p, dk);
      add_in_order(own.v, p, dv);
      add_in_order(own.beta, p, dbeta);
      if (log_decay.defined()) add_in_order(own.log_decay, p, dlog_decay);
    }
  });
}

}  // namespace lra::inline LRA_ENGINE
