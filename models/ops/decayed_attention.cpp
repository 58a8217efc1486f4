/// Attention whose keys decay, as matrix products.
///
/// A sequence is cut into chunks; the state before a chunk stands for all earlier keys. Within a chunk, a range of
/// tokens is split into halves again and again: all pairs of a later query and an earlier key are one product of the
/// queries, decayed since the split, and the keys, decayed until the split. Every decay is therefore the exponential of
/// a sum of log decays, never of a difference of sums, which would overflow or cancel. Ranges of few tokens, where
/// products would be small, are computed by the distance of the pairs, each from the one before. Ranges in which no
/// feature decays much need no splits: factors that grow before the middle stay small, and all pairs are one product.
#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "core/error.h"
#include "models/ops/detail/decay_by_heads.h"
#include "models/ops/detail/head_pass.h"
#include "models/ops/detail/head_view.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kChunk = 128;  // tokens between states
constexpr long kTile = 16;    // tokens that are not split further
/// The largest sum of a range's log decays, negated, at which the range is one product: factors of at most e^5 on
/// either side of the middle, and exponents exact to 3e-7.
constexpr Real kMildest = 10;

/// The factors that each row has lost at the boundary before row `middle` (n,M): the product of the decays of rows
/// middle … i for a row i on or after it, of rows i + 1 … middle − 1 for one before it.
Tensor decay_at(const ConstView& log_decay, long middle) {
  const long n = log_decay.rows, m = log_decay.cols;
  Tensor sums = Tensor::zeros({n, m});
  const auto add = [&](const Real* terms, long to) { kernels::add(terms, sums.data() + to * m, m); };
  for (long i = middle; i < n; ++i) {
    add(log_decay.data + i * log_decay.stride, i);
    if (i > middle) add(sums.data() + (i - 1) * m, i);
  }
  for (long i = middle - 2; i >= 0; --i) {
    add(log_decay.data + (i + 1) * log_decay.stride, i);
    add(sums.data() + (i + 1) * m, i);
  }
  kernels::exponential(sums.data(), sums.data(), sums.size());
  return sums;
}

/// x ∘ factors, both contiguous.
Tensor decayed(const ConstView& x, const ConstView& factors) {
  Tensor y = Tensor::empty({x.rows, x.cols});
  kernels::copy(x.data, y.data(), y.size());
  kernels::multiply(factors.data, y.data(), y.size());
  return y;
}

/// The queries, keys, values and log decays of a chunk or a part of one, contiguous.
struct Chunk {
  ConstView q, k, v, log_decay;
  Chunk part(long at, long n) const {
    return {part_of(q, at, n), part_of(k, at, n), part_of(v, at, n), part_of(log_decay, at, n)};
  }
};

/// The two sides of a split: queries from row `middle` on, decayed since the split, and keys before it, decayed until
/// then.
struct Split {
  long middle;
  Tensor factors, queries, keys;
  Split(const Chunk& c, long at)
      : middle(at),
        factors(decay_at(c.log_decay, at)),
        queries(decayed(part_of(c.q, at, c.q.rows - at), later())),
        keys(decayed(part_of(c.k, 0, at), earlier())) {}
  ConstView later() const { return part_of(factors, middle, factors.dim(0) - middle); }
  ConstView earlier() const { return part_of(factors, 0, middle); }
};

/// Returns whether no feature decays by more than e^−kMildest over all rows.
bool is_mild(const ConstView& log_decay) {
  Tensor sums = Tensor::zeros({log_decay.cols});
  kernels::add_column_sums(log_decay, sums.data());
  return std::all_of(sums.data(), sums.data() + sums.size(), [](Real sum) { return sum >= -kMildest; });
}

/// The queries and keys of a range that decays little, with the decays since the split of its rows before the first and
/// until the split of its rows after it undone: so the products of all pairs are right whose key is the earlier one.
struct Whole {
  Tensor since, until, queries, keys;
  explicit Whole(const Chunk& c) : since(Tensor::empty({c.q.rows, c.q.cols})), until(Tensor::empty(since.shape())) {
    const long n = c.q.rows, m = c.q.cols, middle = n / 2;
    Tensor sums = Tensor::zeros({m});
    const auto write = [&](long i) { kernels::copy(sums.data(), since.data() + i * m, m); };
    for (long i = middle; i < n; ++i) {
      kernels::add(c.log_decay.data + i * c.log_decay.stride, sums.data(), m);
      write(i);
    }
    kernels::fill(sums.data(), m, 0);
    for (long i = middle - 1; i >= 0; --i) {
      write(i);
      kernels::add_scaled(c.log_decay.data + i * c.log_decay.stride, -1, sums.data(), m);
    }
    kernels::copy(since.data(), until.data(), n * m);
    kernels::scale(until.data(), n * m, -1);
    kernels::exponential(since.data(), since.data(), n * m);
    kernels::exponential(until.data(), until.data(), n * m);
    queries = decayed(c.q, since.matrix());
    keys = decayed(c.k, until.matrix());
  }
};

/// Clears the elements that are not below the diagonal.
void keep_below_diagonal(View x) {
  for (long i = 0; i < x.rows; ++i) kernels::fill(x.data + i * x.stride + i, x.cols - i, 0);
}

/// Calls whole(first row, part), split(first row, part, middle) and tile(first row, part) until each pair of rows has
/// been visited once.
template <typename OnWhole, typename OnSplit, typename OnTile>
void by_halves(const Chunk& c, long at, const OnWhole& whole, const OnSplit& split, const OnTile& tile) {
  const long n = c.q.rows;
  if (is_mild(c.log_decay)) return whole(at, c);
  if (n <= kTile) return tile(at, c);
  const long middle = long(std::bit_ceil(std::size_t(n)) / 2);  // few different sizes of products
  split(at, c, middle);
  by_halves(c.part(0, middle), at, whole, split, tile);
  by_halves(c.part(middle, n - middle), at + middle, whole, split, tile);
}

/// The scores of a tile's queries by earlier keys, which decay by one more token for each distance.
void tile_scores(const Chunk& c, View scores) {
  const long n = c.q.rows, m = c.q.cols;
  Tensor decay = Tensor::empty({n, m}), keys = Tensor::empty({n, m}), dots = Tensor::empty({n});
  kernels::exponential(c.log_decay.data, decay.data(), n * m);
  kernels::copy(c.k.data, keys.data(), n * m);
  for (long distance = 1; distance < n; ++distance) {
    const long pairs = n - distance;
    kernels::multiply(decay.data() + distance * m, keys.data(), pairs * m);
    kernels::row_dots(part_of(c.q, distance, pairs), part_of(keys, 0, pairs), dots.data());
    for (long j = 0; j < pairs; ++j) scores.data[(j + distance) * scores.stride + j] = dots.data()[j];
  }
  Context::current().work.flops += double(n * (n - 1) * m);
}

/// y += factors ∘ x, row by row, with the factors on a diagonal: that of row r is dscores[r + distance][r].
void add_by_diagonal(const ConstView& dscores, long distance, const ConstView& x, Real* y) {
  Tensor factors = Tensor::empty({x.rows}), part = Tensor::empty({x.rows, x.cols});
  for (long j = 0; j < x.rows; ++j) factors.data()[j] = dscores.data[(j + distance) * dscores.stride + j];
  kernels::copy(x.data, part.data(), part.size());
  kernels::scale_rows(factors.data(), part.matrix());
  kernels::add(part.data(), y, part.size());
}

/// Adds to the gradients of a tile's queries and keys, contiguous.
void tile_backward(const Chunk& c, const ConstView& dscores, Real* dq, Real* dk) {
  const long n = c.q.rows, m = c.q.cols;
  Tensor decay = Tensor::empty({n, m}), keys = Tensor::empty({n, m}), sums = Tensor::zeros({n, m});
  kernels::exponential(c.log_decay.data, decay.data(), n * m);
  kernels::copy(c.k.data, keys.data(), n * m);
  for (long distance = 1; distance < n; ++distance) {
    const long pairs = n - distance;
    kernels::multiply(decay.data() + distance * m, keys.data(), pairs * m);
    add_by_diagonal(dscores, distance, part_of(keys, 0, pairs), dq + distance * m);
  }
  for (long distance = n - 1; distance > 0; --distance) {  // by Horner's rule
    const long pairs = n - distance;
    add_by_diagonal(dscores, distance, part_of(c.q, distance, pairs), sums.data());
    kernels::multiply(decay.data() + distance * m, sums.data(), pairs * m);
  }
  kernels::add(sums.data(), dk, n * m);
  Context::current().work.flops += double(2 * n * (n - 1) * m);
}

/// Decayed products of queries and keys (n,n): query i by key j < i and, unless `strict`, by its own; 0 elsewhere.
Tensor scores_of(const Chunk& chunk, bool strict) {
  Tensor scores = Tensor::zeros({chunk.q.rows, chunk.q.rows});
  by_halves(
      chunk, 0,
      [&](long at, const Chunk& c) {
        const Whole w(c);
        const View part = block(scores.matrix(), at, c.q.rows, at, c.q.rows);
        kernels::gemm(w.queries.matrix(), false, w.keys.matrix(), true, part);
        keep_below_diagonal(part);
      },
      [&](long at, const Chunk& c, long middle) {
        const Split s(c, middle);
        kernels::gemm(s.queries.matrix(), false, s.keys.matrix(), true,
                      block(scores.matrix(), at + middle, c.q.rows - middle, at, middle));
      },
      [&](long at, const Chunk& c) { tile_scores(c, block(scores.matrix(), at, c.q.rows, at, c.q.rows)); });
  if (strict) return scores;
  Tensor own = Tensor::empty({chunk.q.rows});
  kernels::row_dots(chunk.q, chunk.k, own.data());
  for (long i = 0; i < own.size(); ++i) scores.data()[i * (own.size() + 1)] = own.data()[i];
  return scores;
}

/// Adds to the gradients of a chunk's queries and keys (n,M) those by the scores of different tokens.
void scores_backward(const Chunk& chunk, const ConstView& dscores, View dq, View dk) {
  const auto add_product = [](const ConstView& a, bool transposed, const Tensor& b, const ConstView& factors,
                              Real* to) {
    Tensor part = Tensor::empty({factors.rows, factors.cols});
    kernels::gemm(a, transposed, b.matrix(), false, part.matrix());
    kernels::multiply_add(part.data(), factors.data, to, part.size());
  };
  by_halves(
      chunk, 0,
      [&](long at, const Chunk& c) {
        const Whole w(c);
        const long n = c.q.rows;
        Tensor part = Tensor::empty({n, n});
        kernels::copy_rows(block(dscores, at, n, at, n), part.matrix());
        keep_below_diagonal(part.matrix());
        add_product(part.matrix(), false, w.keys, w.since.matrix(), dq.data + at * dq.cols);
        add_product(part.matrix(), true, w.queries, w.until.matrix(), dk.data + at * dk.cols);
      },
      [&](long at, const Chunk& c, long middle) {
        const Split s(c, middle);
        const ConstView part = block(dscores, at + middle, c.q.rows - middle, at, middle);
        add_product(part, false, s.keys, s.later(), dq.data + (at + middle) * dq.cols);
        add_product(part, true, s.queries, s.earlier(), dk.data + at * dk.cols);
      },
      [&](long at, const Chunk& c) {
        tile_backward(c, block(dscores, at, c.q.rows, at, c.q.rows), dq.data + at * dq.cols, dk.data + at * dk.cols);
      });
}

/// As in_order for log decays, which may be those of all tokens.
Tensor decay_in_order(const Tensor& x, const Pass& p, long m) {
  if (x.dim(0) > 1) return in_order(x, p, m);
  Tensor y = Tensor::empty({p.n, m});
  for (long i = 0; i < p.n; ++i) kernels::copy(x.data() + p.head * m, y.data() + i * m, m);
  return y;
}

/// As add_in_order for the gradient of log decays, summed if they are those of all tokens.
void add_decay_in_order(const Tensor& x, const Pass& p, Tensor& y) {
  if (y.dim(0) > 1) return add_in_order(x, p, y);
  const long m = x.dim(1);
  std::vector<double> sums(std::size_t(m), 0);
  for (long i = 0; i < x.size(); ++i) sums[std::size_t(i % m)] += double(x.data()[i]);
  for (long c = 0; c < m; ++c) y.data()[p.head * m + c] += Real(sums[std::size_t(c)]);
}

/// A pass's inputs, cut into chunks.
struct Sequence {
  Tensor q, k, v, log_decay;
  long count() const { return (q.dim(0) + kChunk - 1) / kChunk; }
  Chunk chunk(long index) const {
    const ConstView rows = q.matrix();
    const long at = index * kChunk;
    return Chunk{rows, k.matrix(), v.matrix(), log_decay.matrix()}.part(at, std::min(kChunk, rows.rows - at));
  }
};

/// The decays of a chunk's queries since its begin and of its keys until its end.
struct Ends {
  Tensor since, until;
  explicit Ends(const Chunk& c) : since(decay_at(c.log_decay, 0)), until(decay_at(c.log_decay, c.q.rows)) {}
  /// The decays over the whole chunk.
  const Real* whole() const { return since.data() + since.size() - since.dim(1); }
};

/// The state after a chunk (M,D), from the state before it.
void advance(const Chunk& c, const Ends& ends, Tensor& state) {
  kernels::scale_rows(ends.whole(), state.matrix());
  kernels::gemm(decayed(c.k, ends.until.matrix()).matrix(), true, c.v, false, state.matrix(), true);
}

Tensor forward(const Sequence& x, bool strict) {
  Tensor y = Tensor::empty(x.v.shape()), state = carried_state({x.q.dim(1), x.v.dim(1)});
  for (long i = 0; i < x.count(); ++i) {
    const Chunk c = x.chunk(i);
    const Ends ends(c);
    const View out = part_of(y, i * kChunk, c.q.rows);
    kernels::gemm(decayed(c.q, ends.since.matrix()).matrix(), false, state.matrix(), false, out);
    kernels::gemm(scores_of(c, strict).matrix(), false, c.v, false, out, true);
    if (i + 1 < x.count() || stepping()) advance(c, ends, state);
  }
  return y;
}

/// The states before each chunk.
std::vector<Tensor> states_of(const Sequence& x) {
  std::vector<Tensor> states = {Tensor::zeros({x.q.dim(1), x.v.dim(1)})};
  for (long i = 0; i + 1 < x.count(); ++i) {
    states.push_back(Tensor::copy_of(states.back()));
    advance(x.chunk(i), Ends(x.chunk(i)), states.back());
  }
  return states;
}

/// The gradient of a chunk's log decays. With S_t the state after token t, that of row t is the sum of S_t ∘ dS_t over
/// the values less k_t ∘ dk_t, and that sum is q_t ∘ dq_t plus the gradient of row t + 1; `sums` has the sum after the
/// chunk. A query's own key is not yet in dq and dk: it would cancel here, but for its rounding errors.
void decay_backward(const Chunk& c, const ConstView& dq, const ConstView& dk, const Tensor& sums, View to) {
  std::vector<double> later(sums.data(), sums.data() + sums.size());
  for (long t = c.q.rows - 1; t >= 0; --t)
    for (long f = 0; f < c.q.cols; ++f) {
      const auto at = [=](const ConstView& x) { return double(x.data[t * x.stride + f]); };
      later[std::size_t(f)] += at(c.q) * at(dq) - at(c.k) * at(dk);
      to.data[t * to.stride + f] = Real(later[std::size_t(f)]);
    }
}

/// The gradients of a chunk's inputs, or the place for them.
struct ChunkGradients {
  View q, k, v, log_decay;
};

/// Writes the gradients of a chunk's inputs, given the state before it, the gradient of the state after it, and for
/// each feature the sum of their products after it.
void chunk_backward(const Chunk& c, const Ends& ends, bool strict, const ConstView& dy, const Tensor& state,
                    const Tensor& later, const Tensor& sums, const ChunkGradients& d) {
  kernels::gemm(dy, false, state.matrix(), true, d.q);
  kernels::multiply(ends.since.data(), d.q.data, ends.since.size());
  kernels::gemm(c.v, false, later.matrix(), true, d.k);
  kernels::multiply(ends.until.data(), d.k.data, ends.until.size());
  Tensor dscores = Tensor::empty({c.q.rows, c.q.rows});
  kernels::gemm(dy, false, c.v, true, dscores.matrix());
  scores_backward(c, dscores.matrix(), d.q, d.k);
  decay_backward(c, d.q, d.k, sums, d.log_decay);
  if (!strict) {
    add_by_diagonal(dscores.matrix(), 0, c.k, d.q.data);
    add_by_diagonal(dscores.matrix(), 0, c.q, d.k.data);
  }
  kernels::gemm(decayed(c.k, ends.until.matrix()).matrix(), false, later.matrix(), false, d.v);
  kernels::gemm(scores_of(c, strict).matrix(), true, dy, false, d.v, true);
}

/// The gradients of a pass's inputs. States are computed again, so that forward need not keep them.
Sequence backward(const Sequence& x, bool strict, const Tensor& dy) {
  const std::vector<Tensor> states = states_of(x);
  const long m = x.q.dim(1);
  Sequence d{Tensor::empty(x.q.shape()), Tensor::empty(x.k.shape()), Tensor::empty(x.v.shape()),
             Tensor::empty(x.log_decay.shape())};
  Tensor later = Tensor::zeros(states[0].shape()), sums = Tensor::zeros({m});
  for (long i = x.count() - 1; i >= 0; --i) {
    const Chunk c = x.chunk(i);
    const Ends ends(c);
    const auto own = [&](Tensor& whole) { return part_of(whole, i * kChunk, c.q.rows); };
    const ConstView dout = part_of(dy, i * kChunk, c.q.rows);
    if (i + 1 < x.count()) kernels::row_dots(states[std::size_t(i + 1)].matrix(), later.matrix(), sums.data());
    chunk_backward(c, ends, strict, dout, states[std::size_t(i)], later, sums,
                   {own(d.q), own(d.k), own(d.v), own(d.log_decay)});
    if (i == 0) break;
    kernels::scale_rows(ends.whole(), later.matrix());
    kernels::gemm(decayed(c.q, ends.since.matrix()).matrix(), true, dout, false, later.matrix(), true);
  }
  return d;
}

void check_inputs(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& log_decay, long head_count,
                  const SequenceLayout& layout) {
  constexpr const char* kOp = "decayed_attention";
  head_width(q, head_count, kOp, "queries");
  head_width(v, head_count, kOp, "values");
  expect_packed(q, layout, kOp, "queries");
  expect_input(k, q.shape(), kOp, "keys");
  expect_packed(v, layout, kOp, "values");
  expect_matrix(log_decay, kOp, "log decays");
  const long rows = log_decay.dim(0), columns = log_decay.dim(1);
  if ((rows != 1 && rows != layout.tokens()) || (columns != head_count && columns != q.dim(1)))
    fail("[decayed_attention] log decays {} do not fit queries {} of {} heads", log_decay.shape().text(),
         q.shape().text(), head_count);
}

}  // namespace

Tensor decayed_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& log_decay, long head_count,
                         const SequenceLayout& layout, Direction direction) {
  check_inputs(q, k, v, log_decay, head_count, layout);
  expect_steps(direction == Direction::forward, "decayed_attention", kSeesLaterTokens);
  if (log_decay.dim(1) == head_count && !stepping())
    return decay_by_heads(q, k, v, log_decay, head_count, layout, direction);
  const long m = q.dim(1) / head_count, d = v.dim(1) / head_count;
  const std::vector<Pass> passes = passes_of(layout, head_count, direction);
  const auto inputs = [=](const Pass& p) {
    return Sequence{in_order(q, p, m), in_order(k, p, m), in_order(v, p, d), decay_in_order(log_decay, p, m)};
  };
  Tensor y = Tensor::zeros(v.shape());
  for (const Pass& p : passes) add_in_order(forward(inputs(p), p.strict), p, y);
  return record(std::move(y), [=](const Tensor& dy) {
    Tensor dq = zeroed_gradient_sink(q), dk = zeroed_gradient_sink(k), dv = zeroed_gradient_sink(v);
    Tensor dlog_decay = zeroed_gradient_sink(log_decay);
    for (const Pass& p : passes) {
      const Sequence own = backward(inputs(p), p.strict, in_order(dy, p, d));
      add_in_order(own.q, p, dq);
      add_in_order(own.k, p, dk);
      add_in_order(own.v, p, dv);
      add_decay_in_order(own.log_decay, p, dlog_decay);
    }
  });
}

}  // namespace lra::inline LRA_ENGINE
