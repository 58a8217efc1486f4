/// Exact softmax attention by tiles: forward keeps one number a query, backward recomputes the scores tile by tile.
#include <cmath>
#include <limits>

#include "harness/core/error.h"
#include "models/ops/head_view.h"
#include "models/ops/ops.h"
#include "models/ops/tiles.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
constexpr long kDropoutGroup = 128;  // dropout numbers are drawn in groups of this many

/// One (sequence, head), and what it sees.
struct Problem {
  long queries, keys, width;  // width: D
  std::function<void(const See&)> parts;
  Real scale;
  bool drops;
  DropoutStream stream;
  std::uint64_t first;     // dropout number of its first element
  std::uint64_t row_step;  // from query to query, if numbers follow from positions; otherwise 0

  const DropoutStream* dropout() const { return drops ? &stream : nullptr; }
};

/// The dropout numbers of a tile's elements. Over one window they follow from the positions of query and key, whatever
/// the tiles. The keys of a pattern lie anywhere, so its tiles take numbers one after the other.
class Numbering {
 public:
  explicit Numbering(const Problem& p) : p_(p), next_(p.first) {}

  struct Range {
    std::uint64_t first, row_step;
  };
  Range of(const Tile& t) {
    if (p_.row_step)
      return {p_.first + std::uint64_t(t.queries.front()) * p_.row_step + std::uint64_t(t.keys.front()), p_.row_step};
    const std::uint64_t own = next_;
    next_ += std::uint64_t(t.queries.size() * kKeyTile);
    return {own, kKeyTile};
  }

 private:
  const Problem& p_;
  std::uint64_t next_;
};

bool consecutive(std::span<const long> at) { return at.back() - at.front() + 1 == long(at.size()); }

/// Calls f(row of the tile, position, rows) for every stretch of positions without a gap.
template <typename F>
void for_each_stretch(std::span<const long> at, F f) {
  for (std::size_t r = 0, next; r < at.size(); r = next) {
    for (next = r + 1; next < at.size() && at[next] == at[next - 1] + 1;) ++next;
    f(long(r), at[r], long(next - r));
  }
}

/// The rows of a head's matrix that a tile names: in place if they follow one another, otherwise through a copy.
class TileRows {
 public:
  explicit TileRows(long most) : most_(most) {}

  View read(Tensor& x, std::span<const long> at, long padded) {
    if (consecutive(at)) return part_of(x, at.front(), padded);
    const long width = x.dim(1);
    const View copy = tile_of(padded, width);
    for_each_stretch(at, [&](long r, long position, long count) {
      kernels::copy(x.data() + position * width, copy.data + r * width, count * width);
    });
    const long rows = long(at.size());
    kernels::fill(copy.data + rows * width, (padded - rows) * width, 0);
    return copy;
  }

  /// Rows of x += op(a) · b.
  void add_product(ConstView a, bool transpose_a, ConstView b, Tensor& x, std::span<const long> at, long padded) {
    if (consecutive(at)) return kernels::gemm(a, transpose_a, b, false, part_of(x, at.front(), padded), true);
    const long width = x.dim(1);
    const View product = tile_of(padded, width);
    kernels::gemm(a, transpose_a, b, false, product);
    for_each_stretch(at, [&](long r, long position, long count) {
      kernels::add(product.data + r * width, x.data() + position * width, count * width);
    });
  }

 private:
  View tile_of(long rows, long width) {
    if (!copy_.defined()) copy_ = Tensor::empty({most_, width});
    return part_of(copy_, 0, rows);
  }

  long most_;
  Tensor copy_;
};

/// A score of −infinity is a probability of zero.
void hide(View s, const Tile& t) {
  for (std::size_t r = 0; r < t.hide_begin.size(); ++r)
    if (const long n = t.hide_end[r] - t.hide_begin[r]; n > 0)
      kernels::fill(s.data + long(r) * s.stride + t.hide_begin[r], n, -kInfinity);
}

/// The online softmax of one query tile. Between tiles of different parts it rests in the result (not yet divided by
/// the sum), in `max` and in `sum`, one number a query.
struct Running {
  Tensor o, tile_max = Tensor::empty({kQueryTile}), tile_sum = Tensor::empty({kQueryTile});
  View out;
  Real *max, *sum;

  void start(const Tile& t) {
    kernels::fill(tile_sum.data(), t.padded_rows, 0);
    kernels::fill(tile_max.data(), t.padded_rows, -kInfinity);
  }
  void load(const Tile& t) {
    start(t);
    kernels::fill(o.data(), t.padded_rows * out.cols, 0);
    for (long r = 0; r < long(t.queries.size()); ++r) {
      const long query = t.queries[std::size_t(r)];
      tile_max.data()[r] = max[query];
      tile_sum.data()[r] = sum[query];
      kernels::copy(out.data + query * out.stride, o.data() + r * out.cols, out.cols);
    }
  }
  void store(const Tile& t) const {
    for (long r = 0; r < long(t.queries.size()); ++r) {
      const long query = t.queries[std::size_t(r)];
      max[query] = tile_max.data()[r];
      sum[query] = tile_sum.data()[r];
      kernels::copy(o.data() + r * out.cols, out.data + query * out.stride, out.cols);
    }
  }
  /// Divides by the sums, and turns `max` into log Σ exp.
  void finish() {
    for (long i = 0; i < out.rows; ++i) {
      const bool sees = sum[i] > 0;
      max[i] = sees ? max[i] + std::log(sum[i]) : 0;
      kernels::scale(out.data + i * out.stride, out.cols, sees ? 1 / sum[i] : 0);
    }
  }
};

/// What labels of distance add to the scores of one head, one query tile after another.
class LabelScores {
 public:
  LabelScores(const Distances& distances, long head, long width) : distances_(distances) {
    if (!active()) return;
    table_ = padded_head(distances.table, 0, distances.table.dim(0), head, width);
    products_ = Tensor::empty({kQueryTile, columns()});
  }
  bool active() const { return distances_.table.defined(); }

  /// Of the queries of the tiles that follow: their products with every label.
  void start(ConstView queries) {
    if (active()) kernels::gemm(queries, false, labels(), true, part_of(products_, 0, queries.rows));
  }
  void add_to(View s, const Tile& t) const {
    for_each_pair(t, [&](long r, long c, long label) { s.data[r * s.stride + c] += row(products_, r)[label]; });
  }

  void start_backward() {
    if (!active()) return;
    sums_ = Tensor::empty(products_.shape());
    d_table_ = Tensor::zeros(table_.shape());
  }
  /// Takes the gradient of a tile's scores, zero where nothing is seen.
  void collect(ConstView ds, const Tile& t) {
    if (active() && t.first_of_row) kernels::fill(sums_.data(), sums_.size(), 0);
    for_each_pair(t, [&](long r, long c, long label) { row(sums_, r)[label] += ds.data[r * ds.stride + c]; });
  }
  /// After the last tile of `queries`: adds to their gradient, and to the table's.
  void finish(ConstView queries, TileRows& by, Tensor& d_queries, const Tile& t) {
    if (!active()) return;
    const ConstView sums = part_of(sums_, 0, t.padded_rows);
    kernels::gemm(sums, true, queries, false, part_of(d_table_, 0, columns()), true);
    by.add_product(sums, false, labels(), d_queries, t.queries, t.padded_rows);
  }
  const Tensor& d_table() const { return d_table_; }

 private:
  long columns() const { return tile_size(distances_.table.dim(0)); }
  ConstView labels() { return part_of(table_, 0, columns()); }
  static Real* row(Tensor& x, long r) { return x.data() + r * x.dim(1); }
  static const Real* row(const Tensor& x, long r) { return x.data() + r * x.dim(1); }

  /// Calls f(row of the tile, column, label) for every pair that is seen.
  template <typename F>
  void for_each_pair(const Tile& t, F f) const {
    for (std::size_t r = 0; active() && r < t.queries.size(); ++r)
      for (long c = t.begin[r]; c < t.end[r]; ++c)
        f(long(r), c, distances_.label(t.queries[r], t.keys[std::size_t(c)]));
  }

  const Distances& distances_;
  Tensor table_, products_, sums_, d_table_;
};

/// Writes the result to `out` and log Σ exp to `lse`; returns how many pairs were seen.
double forward_head(const Problem& p, Tensor q, Tensor k, Tensor v, LabelScores labels, View out, Real* lse) {
  Tensor scores = Tensor::empty({kQueryTile, kKeyTile}), correction = Tensor::empty({kQueryTile});
  Tensor sum = Tensor::zeros({p.queries});
  Running state{.o = Tensor::empty({kQueryTile, p.width}), .out = out, .max = lse, .sum = sum.data()};
  kernels::fill(lse, p.queries, -kInfinity);
  for (long i = 0; i < p.queries; ++i) kernels::fill(out.data + i * out.stride, out.cols, 0);
  TileRows queries(kQueryTile), keys(kKeyTile), values(kKeyTile);
  Numbering numbering(p);
  bool first_part = true;
  double pairs = 0;
  p.parts([&](const Part& part) {
    View qt{}, ot{};
    walk(part, p.keys, [&](const Tile& t) {
      const View s{scores.data(), t.padded_rows, t.padded_cols, t.padded_cols};
      const bool fresh = first_part && t.first_of_row;
      if (t.first_of_row) {
        qt = queries.read(q, t.queries, t.padded_rows);
        ot = part_of(state.o, 0, t.padded_rows);
        labels.start(qt);
        fresh ? state.start(t) : state.load(t);
      }
      kernels::gemm(qt, false, keys.read(k, t.keys, t.padded_cols), true, s);
      labels.add_to(s, t);
      hide(s, t);
      const auto numbers = numbering.of(t);
      kernels::attention_forward_tile(s, t.begin.data(), t.end.data(), p.scale, state.tile_max.data(),
                                      state.tile_sum.data(), correction.data(), p.dropout(), numbers.first,
                                      numbers.row_step);
      if (!fresh) kernels::scale_rows(correction.data(), ot);
      kernels::gemm(s, false, values.read(v, t.keys, t.padded_cols), false, ot, !fresh);
      if (t.last_of_row) state.store(t);
      pairs += double(t.pairs);
    });
    first_part = false;
  });
  state.finish();
  return pairs;
}

struct HeadGradients {
  Tensor q, k, v, labels;
};

HeadGradients backward_head(const Problem& p, Tensor q, Tensor k, Tensor v, LabelScores labels, Tensor o, Tensor d_o,
                            const Real* lse) {
  HeadGradients g{Tensor::zeros(q.shape()), Tensor::zeros(k.shape()), Tensor::zeros(v.shape()), {}};
  labels.start_backward();
  Tensor scores = Tensor::empty({kQueryTile, kKeyTile}), products = Tensor::empty({kQueryTile, kKeyTile});
  Tensor delta = Tensor::empty({kQueryTile}), row_lse = Tensor::zeros({kQueryTile});
  TileRows queries(kQueryTile), results(kQueryTile), gradients(kQueryTile);
  TileRows keys(kKeyTile), values(kKeyTile), sums(kKeyTile);
  Numbering numbering(p);
  p.parts([&](const Part& part) {
    View qt{}, dot{};
    walk(part, p.keys, [&](const Tile& t) {
      const View s{scores.data(), t.padded_rows, t.padded_cols, t.padded_cols};
      const View dp{products.data(), t.padded_rows, t.padded_cols, t.padded_cols};
      if (t.first_of_row) {
        qt = queries.read(q, t.queries, t.padded_rows), dot = gradients.read(d_o, t.queries, t.padded_rows);
        kernels::row_dots(dot, results.read(o, t.queries, t.padded_rows), delta.data());
        for (std::size_t r = 0; r < t.queries.size(); ++r) row_lse.data()[r] = lse[t.queries[r]];
        labels.start(qt);
      }
      const View kt = keys.read(k, t.keys, t.padded_cols);
      kernels::gemm(qt, false, kt, true, s);
      kernels::gemm(dot, false, values.read(v, t.keys, t.padded_cols), true, dp);
      labels.add_to(s, t);
      hide(s, t);
      const auto numbers = numbering.of(t);
      kernels::attention_backward_tile(s, dp, t.begin.data(), t.end.data(), p.scale, row_lse.data(), delta.data(),
                                       p.dropout(), numbers.first, numbers.row_step);
      sums.add_product(s, true, dot, g.v, t.keys, t.padded_cols);
      sums.add_product(dp, true, qt, g.k, t.keys, t.padded_cols);
      results.add_product(dp, false, kt, g.q, t.queries, t.padded_rows);
      labels.collect(dp, t);
      if (t.last_of_row) labels.finish(qt, results, g.q, t);
    });
  });
  g.labels = labels.d_table();
  return g;
}

using Problems = std::function<Problem(long sequence, long head)>;

/// The op, given its problem for each (sequence, head).
Tensor attention(Tensor q, Tensor k, Tensor v, long head_count, const Pack& pack, const Pack& key_pack,
                 const Problems& problem, Distances distances = {}) {
  const long c = q.dim(1), width = c / head_count;
  if (distances.table.defined()) expect_shape(distances.table, {2 * distances.reach + 2, c}, "attention: distances");
  expect_shape(q, {pack.tokens(), c}, "attention: queries");
  expect_shape(k, {key_pack.tokens(), c}, "attention: keys");
  expect_shape(v, {key_pack.tokens(), c}, "attention: values");
  Tensor y = Tensor::empty(q.shape()), lse = Tensor::empty({head_count, pack.tokens()});
  double pairs = 0;
  {
    const Uncounted tiles;
    for (long s = 0; s < pack.count(); ++s)
      for (long h = 0; h < head_count; ++h) {
        const Problem p = problem(s, h);
        const View out{y.data() + pack.begin(s) * c + h * width, p.queries, width, c};
        pairs += forward_head(p, padded_head(q, pack.begin(s), p.queries, h, width),
                              padded_head(k, key_pack.begin(s), p.keys, h, width),
                              padded_head(v, key_pack.begin(s), p.keys, h, width), LabelScores(distances, h, width),
                              out, lse.data() + h * pack.tokens() + pack.begin(s));
      }
  }
  const double label_flops = distances.table.defined() ? 2 * double(q.size()) * double(distances.table.dim(0)) : 0;
  Work::current().flops += 4 * double(width) * pairs + label_flops;
  return record(y, [=](Tensor dy) {
    {
      const Uncounted tiles;
      Tensor dq = sink_zeroed(q), dk = sink_zeroed(k), dv = sink_zeroed(v);
      for (long s = 0; s < pack.count(); ++s)
        for (long h = 0; h < head_count; ++h) {
          const Problem p = problem(s, h);
          const long rows_at = pack.begin(s), keys_at = key_pack.begin(s);
          const HeadGradients g =
              backward_head(p, padded_head(q, rows_at, p.queries, h, width), padded_head(k, keys_at, p.keys, h, width),
                            padded_head(v, keys_at, p.keys, h, width), LabelScores(distances, h, width),
                            padded_head(y, rows_at, p.queries, h, width), padded_head(dy, rows_at, p.queries, h, width),
                            lse.data() + h * pack.tokens() + rows_at);
          add_to_head(g.q, dq, rows_at, p.queries, h);
          add_to_head(g.k, dk, keys_at, p.keys, h);
          add_to_head(g.v, dv, keys_at, p.keys, h);
          if (!g.labels.defined()) continue;
          Tensor d_table = sink_zeroed(distances.table);
          add_to_head(g.labels, d_table, 0, d_table.dim(0), h);
        }
    }
    Work::current().flops += 8 * double(width) * pairs + 2 * label_flops;
  });
}

}  // namespace

Tensor softmax_attention(Tensor q, Tensor k, Tensor v, long head_count, const Window& window, const Dropout& site,
                         const Pack& pack, const Pack& key_pack) {
  const long width = q.dim(1) / head_count;
  const bool drops = recording() && site.active();
  return attention(q, k, v, head_count, pack, key_pack, [=](long s, long h) {
    const long queries = pack.size(s), keys = key_pack.size(s);
    const std::uint64_t row_step = std::uint64_t(round_up(key_pack.length, kDropoutGroup));
    return Problem{queries,
                   keys,
                   width,
                   [=](const See& see) {
                     see({Positions::all(queries), Positions::all(keys), window});
                   },
                   Real(1 / std::sqrt(double(width))),
                   drops,
                   site.stream(pack, s),
                   std::uint64_t(h) * std::uint64_t(pack.length) * row_step,
                   row_step};
  });
}

Tensor sparse_attention(Tensor q, Tensor k, Tensor v, long head_count, Pattern pattern, const Dropout& site,
                        const Pack& pack, const Pack& key_pack, Distances distances) {
  const long width = q.dim(1) / head_count;
  const bool drops = recording() && site.active();
  const Problems problem = [=, pattern = std::move(pattern)](long s, long h) {
    return Problem{pack.size(s),
                   key_pack.size(s),
                   width,
                   [&pattern, s, h](const See& see) { pattern(s, h, see); },
                   Real(1 / std::sqrt(double(width))),
                   drops,
                   site.stream(pack, s),
                   std::uint64_t(h) << 40,  // more elements than a head's tiles can have
                   0};
  };
  return attention(q, k, v, head_count, pack, key_pack, problem, std::move(distances));
}

}  // namespace lra::inline LRA_ENGINE
