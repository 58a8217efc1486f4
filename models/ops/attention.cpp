/// Exact softmax attention by tiles: forward keeps one number per query, backward recomputes the scores tile by tile.
#include <cmath>
#include <limits>

#include "core/error.h"
#include "models/ops/detail/cached_attention.h"
#include "models/ops/detail/head_view.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/detail/keep_pattern.h"
#include "models/ops/detail/position_scores.h"
#include "models/ops/detail/tile_rows.h"
#include "models/ops/detail/tiles.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr Real kInfinity = std::numeric_limits<Real>::infinity();

/// One head of one sequence, and the pairs that it sees.
struct Problem {
  long queries, keys, width;  // width: D
  std::function<void(const PartVisitor&)> parts;
  Real scale;
  bool drops;
  DropoutStream stream;
  std::uint64_t first;     // dropout number of the first element
  std::uint64_t row_step;  // from query to query, if numbers depend on positions; otherwise 0
  bool once;               // no two blocks share a key, so that few tiles read a row again

  const DropoutStream* dropout() const { return drops ? &stream : nullptr; }
};

/// Checks that a part only names existing rows.
void expect_part(const Part& part, const Problem& p) {
  const auto fit = [](const Positions& positions, long n) {
    return positions.empty() || (positions.ascending().front() >= 0 && positions.ascending().back() < n);
  };
  if (!fit(part.queries, p.queries) || !fit(part.keys, p.keys))
    fail("[sparse_attention] a part of the pattern goes beyond {} queries and {} keys", p.queries, p.keys);
  expect_window(part.visible, "sparse_attention");
  expect_window(part.hidden, "sparse_attention");
}

/// Assigns dropout numbers to the elements of tiles. With a single window the numbers depend on the positions of query
/// and key only, not on the tiles. The keys of a pattern are arbitrary, so its tiles take consecutive numbers.
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

/// Sets hidden scores to −infinity, which gives them probability 0.
void hide(View s, const Tile& t) {
  for (std::size_t r = 0; r < t.hide_begin.size(); ++r)
    if (const long n = t.hide_end[r] - t.hide_begin[r]; n > 0)
      kernels::fill(s.data + long(r) * s.stride + t.hide_begin[r], n, -kInfinity);
}

/// The online softmax of one query tile. Between tiles of different parts its state is stored in the result (not yet
/// divided by the sum) and in `max` and `sum`, one number per query.
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
    for_each_range(t.queries, [&](long r, long query, long count) {
      kernels::copy(max + query, tile_max.data() + r, count);
      kernels::copy(sum + query, tile_sum.data() + r, count);
      kernels::copy_rows(part_of(out, query, count), part_of(o, r, count));
    });
  }
  void store(const Tile& t) {
    for_each_range(t.queries, [&](long r, long query, long count) {
      kernels::copy(tile_max.data() + r, max + query, count);
      kernels::copy(tile_sum.data() + r, sum + query, count);
      kernels::copy_rows(part_of(o, r, count), part_of(out, query, count));
    });
  }
  /// Divides by the sums, and replaces `max` by log Σ exp.
  void finish() {
    for (long i = 0; i < out.rows; ++i) {
      const bool sees = sum[i] > 0;
      max[i] = sees ? max[i] + std::log(sum[i]) : 0;
      sum[i] = sees ? 1 / sum[i] : 0;
    }
    kernels::scale_rows(sum, out);
  }
};

/// Queries, keys and values of a head. Rows of zeros may follow the keys and values.
struct Head {
  ConstView q, k, v;
};

/// Writes the result to `out` and log Σ exp to `lse`; returns the number of visible pairs.
double forward_head(const Problem& p, const Head& head, PositionScores& positions, View out, Real* lse) {
  Tensor scores = Tensor::empty({kQueryTile, kKeyTile}), correction = Tensor::empty({kQueryTile});
  Tensor sum = Tensor::zeros({p.queries});
  Running state{.o = Tensor::empty({kQueryTile, p.width}), .out = out, .max = lse, .sum = sum.data()};
  kernels::fill(lse, p.queries, -kInfinity);
  for (long i = 0; i < p.queries; ++i) kernels::fill(out.data + i * out.stride, out.cols, 0);
  TileRows queries(kQueryTile, p.width), keys(kKeyTile, p.width), values(kKeyTile, p.width);
  Numbering numbering(p);
  bool first_part = true;
  double pairs = 0;
  p.parts([&](const Part& part) {
    expect_part(part, p);
    View ot{};
    ConstView qt = ot;
    walk(part, p.keys, [&](const Tile& t) {
      const View s{scores.data(), t.padded_rows, t.padded_cols, t.padded_cols};
      const bool fresh = first_part && t.first_of_row;
      if (t.first_of_row) {
        qt = queries.read(head.q, t.queries, t.padded_rows);
        ot = part_of(state.o, 0, t.padded_rows);
        positions.start(qt);
        fresh ? state.start(t) : state.load(t);
      }
      kernels::gemm_tile(qt, false, keys.read(head.k, t.keys, t.padded_cols), true, s);
      positions.add_to(s, t, part.visible.start);
      hide(s, t);
      const auto numbers = numbering.of(t);
      kernels::attention_forward_tile(s, t.begin.data(), t.end.data(), p.scale, state.tile_max.data(),
                                      state.tile_sum.data(), correction.data(), p.dropout(), numbers.first,
                                      numbers.row_step);
      if (!fresh) kernels::scale_rows(correction.data(), ot);
      kernels::gemm_tile(s, false, values.read(head.v, t.keys, t.padded_cols), false, ot, !fresh);
      if (t.last_of_row) state.store(t);
      pairs += double(t.pairs);
    });
    first_part = false;
  });
  state.finish();
  return pairs;
}

/// The result of forward_head and its gradient.
struct HeadResult {
  ConstView o, d_o;
  const Real* lse;
};

struct HeadGradients {
  View q, k, v;
};

/// Adds to the gradients `d`.
void backward_head(const Problem& p, const Head& head, PositionScores& positions, const HeadResult& result,
                   const HeadGradients& d) {
  positions.start_backward();
  Tensor scores = Tensor::empty({kQueryTile, kKeyTile}), products = Tensor::empty({kQueryTile, kKeyTile});
  Tensor delta = Tensor::empty({kQueryTile}), row_lse = Tensor::zeros({kQueryTile});
  const auto query_rows = [&] { return TileRows(kQueryTile, p.width); };
  const auto key_rows = [&] { return TileRows(kKeyTile, p.width); };
  TileRows queries = query_rows(), results = query_rows(), gradients = query_rows(), d_queries = query_rows();
  TileRows keys = key_rows(), values = key_rows(), d_keys = key_rows();
  Numbering numbering(p);
  p.parts([&](const Part& part) {
    View dqt{};
    ConstView qt = dqt, dot = dqt;
    walk(part, p.keys, [&](const Tile& t) {
      const View s{scores.data(), t.padded_rows, t.padded_cols, t.padded_cols};
      const View dp{products.data(), t.padded_rows, t.padded_cols, t.padded_cols};
      if (t.first_of_row) {
        qt = queries.read(head.q, t.queries, t.padded_rows);
        dqt = d_queries.copied(d.q, t.queries, t.padded_rows);
        dot = gradients.read(result.d_o, t.queries, t.padded_rows);
        kernels::row_dots(dot, results.read(result.o, t.queries, t.padded_rows), delta.data());
        for (std::size_t r = 0; r < t.queries.size(); ++r) row_lse.data()[r] = result.lse[t.queries[r]];
        positions.start(qt);
      }
      const ConstView kt = keys.read(head.k, t.keys, t.padded_cols);
      kernels::gemm_tile(qt, false, kt, true, s);
      kernels::gemm_tile(dot, false, values.read(head.v, t.keys, t.padded_cols), true, dp);
      positions.add_to(s, t, part.visible.start);
      hide(s, t);
      const auto numbers = numbering.of(t);
      kernels::attention_backward_tile(s, dp, t.begin.data(), t.end.data(), p.scale, row_lse.data(), delta.data(),
                                       p.dropout(), numbers.first, numbers.row_step);
      d_keys.add_product(s, true, dot, d.v, t.keys, t.padded_cols);
      d_keys.add_product(dp, true, qt, d.k, t.keys, t.padded_cols);
      kernels::gemm_tile(dp, false, kt, false, dqt, true);
      positions.collect(dp, t, part.visible.start);
      if (!t.last_of_row) return;
      positions.finish(qt, dqt);
      d_queries.write(d.q, t.queries);
    });
  });
  positions.add_gradients();
}

using Problems = std::function<Problem(long sequence, long head)>;
using MakePositionScores = std::function<std::unique_ptr<PositionScores>(long head)>;

std::unique_ptr<PositionScores> no_positions(long) { return std::make_unique<PositionScores>(); }

/// Runs forward, and records backward, over the problem of each (sequence, head).
Tensor attention(Tensor q, Tensor k, Tensor v, long head_count, const SequenceLayout& layout,
                 const SequenceLayout& key_layout, const Problems& problem,
                 const MakePositionScores& make_positions = no_positions) {
  const long c = q.dim(1), width = c / head_count;
  Tensor y = Tensor::empty(q.shape()), lse = Tensor::empty({head_count, layout.tokens()});
  double pairs = 0, position_flops = 0;
  {
    const Uncounted tiles;
    for (long s = 0; s < layout.count(); ++s)
      for (long h = 0; h < head_count; ++h) {
        const Problem p = problem(s, h);
        const View out{y.data() + layout.begin(s) * c + h * width, p.queries, width, c};
        const KeyRows keys(k, key_layout.begin(s), p.keys, h, width, p.once);
        const KeyRows values(v, key_layout.begin(s), p.keys, h, width, p.once);
        const Head head{head_view(std::as_const(q), layout.begin(s), p.queries, h, width), keys.rows(), values.rows()};
        const auto positions = make_positions(h);
        pairs += forward_head(p, head, *positions, out, lse.data() + h * layout.tokens() + layout.begin(s));
        position_flops += positions->flops();
      }
  }
  Context::current().work.flops += 4 * double(width) * pairs + position_flops;
  return record(y, [=](Tensor dy) {
    {
      const Uncounted tiles;
      Tensor dq = zeroed_gradient_sink(q), dk = zeroed_gradient_sink(k), dv = zeroed_gradient_sink(v);
      const bool distinct = dq.data() != dk.data() && dq.data() != dv.data() && dk.data() != dv.data();
      for (long s = 0; s < layout.count(); ++s)
        for (long h = 0; h < head_count; ++h) {
          const Problem p = problem(s, h);
          const long rows_at = layout.begin(s), keys_at = key_layout.begin(s);
          const auto query_rows = [&](const Tensor& x) { return head_view(x, rows_at, p.queries, h, width); };
          const KeyRows keys(k, keys_at, p.keys, h, width, p.once), values(v, keys_at, p.keys, h, width, p.once);
          const bool direct = p.once && distinct;
          GradientRows d_queries(dq, rows_at, p.queries, h, width, direct);
          GradientRows d_keys(dk, keys_at, p.keys, h, width, direct), d_values(dv, keys_at, p.keys, h, width, direct);
          const HeadResult result{query_rows(y), query_rows(dy), lse.data() + h * layout.tokens() + rows_at};
          backward_head(p, {query_rows(q), keys.rows(), values.rows()}, *make_positions(h), result,
                        {d_queries.rows(), d_keys.rows(), d_values.rows()});
          for (const GradientRows* gradient : {&d_queries, &d_keys, &d_values}) gradient->finish();
        }
    }
    Context::current().work.flops += 8 * double(width) * pairs + 2 * position_flops;
  });
}

}  // namespace

Tensor softmax_attention(Tensor q, Tensor k, Tensor v, long head_count, const Window& window, const Dropout& site,
                         const SequenceLayout& layout, const SequenceLayout& key_layout) {
  const long width = expect_attention(q, k, v, head_count, layout, key_layout, "softmax_attention");
  expect_window(window, "softmax_attention");
  if (stepping()) {
    const bool own = key_layout.offsets == layout.offsets && window.step == 1 && window.start == 0;
    expect_steps(own, "softmax_attention", "has keys that are not the tokens");
    expect_steps(window.kind == Window::Kind::all, "softmax_attention", "sees a window of keys");
    expect_steps(window.causal, "softmax_attention", kSeesLaterTokens);
    return cached_attention(q, k, v, head_count, layout);
  }
  const bool drops = training() && site.active();
  return attention(q, k, v, head_count, layout, key_layout, [=](long s, long h) {
    const long queries = layout.size(s), keys = key_layout.size(s);
    const std::uint64_t row_step = std::uint64_t(round_up(key_layout.length, kDropoutGroup));
    return Problem{queries,
                   keys,
                   width,
                   [=](const PartVisitor& visit) {
                     visit({Positions::all(queries), Positions::all(keys), window});
                   },
                   Real(1 / std::sqrt(double(width))),
                   drops,
                   site.stream(layout, s),
                   std::uint64_t(h) * std::uint64_t(layout.length) * row_step,
                   row_step,
                   window.kind == Window::Kind::block && window.before + window.after == 0};
  });
}

namespace {

Tensor pattern_attention(Tensor q, Tensor k, Tensor v, long head_count, Pattern pattern, const Dropout& site,
                         const SequenceLayout& layout, const SequenceLayout& key_layout,
                         const MakePositionScores& make_positions) {
  expect_steps(false, "attention by a pattern");
  keep_pattern(pattern, head_count, site, layout, key_layout);
  const long width = q.dim(1) / head_count;
  const bool drops = training() && site.active();
  const Problems problem = [=, pattern = std::move(pattern)](long s, long h) {
    return Problem{layout.size(s),
                   key_layout.size(s),
                   width,
                   [&pattern, s, h](const PartVisitor& visit) { pattern(s, h, visit); },
                   Real(1 / std::sqrt(double(width))),
                   drops,
                   site.stream(layout, s),
                   std::uint64_t(h) << 40,  // more than the number of elements in a head's tiles
                   0,
                   false};
  };
  return attention(std::move(q), std::move(k), std::move(v), head_count, layout, key_layout, problem, make_positions);
}

}  // namespace

Tensor sparse_attention(Tensor q, Tensor k, Tensor v, long head_count, Pattern pattern, const Dropout& site,
                        const SequenceLayout& layout, const SequenceLayout& key_layout, Distances distances) {
  const long width = expect_attention(q, k, v, head_count, layout, key_layout, "sparse_attention");
  MakePositionScores positions = no_positions;
  if (distances.table.defined()) {
    expect_input(distances.table, {2 * distances.reach + 2, q.dim(1)}, "sparse_attention", "table of distances");
    positions = [=](long h) { return std::make_unique<LabelScores>(distances, h, width); };
  }
  return pattern_attention(std::move(q), std::move(k), std::move(v), head_count, std::move(pattern), site, layout,
                           key_layout, positions);
}

Tensor relative_attention(Tensor q, Tensor k, Tensor v, long head_count, Pattern pattern, const Dropout& site,
                          const SequenceLayout& layout, const SequenceLayout& key_layout,
                          const RelativeTable& relative) {
  const long width = expect_attention(q, k, v, head_count, layout, key_layout, "relative_attention");
  expect_matrix(relative.table, "relative_attention", "table");
  expect_input(relative.table, {relative.table.dim(0), q.dim(1)}, "relative_attention", "table");
  expect_input(relative.bias, {q.dim(1)}, "relative_attention", "bias");
  return pattern_attention(std::move(q), std::move(k), std::move(v), head_count, std::move(pattern), site, layout,
                           key_layout, [=](long h) { return std::make_unique<RelativeScores>(relative, h, width); });
}

}  // namespace lra::inline LRA_ENGINE
