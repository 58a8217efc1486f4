/// Attention in sorted chunks. All rounds of a query form one softmax over the keys it sees in any of them: forward
/// joins the rounds by their log-sum-exps, and backward needs only the log-sum-exp of all.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "models/ops/detail/head_view.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kRows = 128;          // queries per tile
constexpr long kMostTogether = 256;  // keys whose rounds are counted at a time
/// The log-sum-exp of a query that saw only itself, which is that of no terms. Its score for itself is 0 in that case,
/// and −infinity if it sees other keys; the paper's −1e5, added to other scores, would cost float32 its precision.
constexpr Real kAlone = -std::numeric_limits<Real>::infinity();

/// One head of one sequence.
struct Problem {
  long head, begin, n, chunk, width;
  bool causal;
  Real scale;
  const DropoutStream* dropout;
  std::uint64_t first, row_step;  // dropout number of key 0 of sorted query 0 in round 0, and from query to query
};

/// A ring's first chunk sees the last chunk.
bool is_ring(const Problem& p, const BucketOrder& order) {
  return order.runs.size() == 1 && order.buckets.empty() && p.n > p.chunk;
}

long last_chunk(const Problem& p) { return p.n - (p.n - 1) / p.chunk * p.chunk; }

/// Calls visit(begin, end, seen) for each chunk of a round: its places in the order, and the first place of the chunk
/// before it, which is negative for the first chunk of a ring. A chunk without one before it sees from `begin`.
template <typename Visit>
void for_each_chunk(const Problem& p, const BucketOrder& order, Visit visit) {
  const long wrapped = is_ring(p, order) ? last_chunk(p) : 0;
  for (std::size_t run = 0; run < order.runs.size(); ++run) {
    const long first = order.runs[run], end = run + 1 < order.runs.size() ? order.runs[run + 1] : p.n;
    for (long begin = first; begin < end; begin += p.chunk)
      visit(begin, std::min(begin + p.chunk, end), begin > first ? begin - p.chunk : begin - wrapped);
  }
}

/// One round by token: the place of each token in the order, and the `count` places from `first` on that it sees. In a
/// ring, place −1 is the last.
struct Sight {
  std::vector<std::int32_t> place, first, count;

  Sight(const Problem& p, const BucketOrder& order) : place(std::size_t(p.n)), first(place), count(place) {
    std::size_t bucket = 0;  // of place i
    for_each_chunk(p, order, [&](long begin, long end, long seen) {
      for (long i = begin; i < end; ++i) {
        const auto token = std::size_t(order.tokens[std::size_t(i)]);
        long from = seen, to = end;
        if (!order.buckets.empty()) {
          while (bucket + 1 < order.buckets.size() && order.buckets[bucket + 1] <= i) ++bucket;
          from = std::max<long>(from, order.buckets[bucket]);
          if (bucket + 1 < order.buckets.size()) to = std::min<long>(to, order.buckets[bucket + 1]);
        }
        place[token] = std::int32_t(i), first[token] = std::int32_t(from), count[token] = std::int32_t(to - from);
      }
    });
  }
};

/// Another round, and the places in it of this round's keys: a pair that is visible in m rounds has weight 1/m in each.
struct OtherRound {
  const Sight& sight;
  std::vector<std::int32_t> places;
};

/// One round. If its order is a ring, a copy of the last chunk precedes the keys, so that the keys of every chunk are
/// one run of rows.
struct Round {
  const BucketOrder& order;
  const Sight& sight;
  std::vector<std::int32_t> keys;  // tokens
  long number, length;             // length: distance between rounds in dropout numbers, in queries
  std::vector<OtherRound> others;
  std::vector<Real> log_counts;  // m: subtracted from a score whose pair is visible in m rounds

  Round(const Problem& p, const std::vector<BucketOrder>& rounds, const std::vector<Sight>& sights, long r,
        long longest)
      : order(rounds[std::size_t(r)]), sight(sights[std::size_t(r)]), number(r), length(longest) {
    if (is_ring(p, order)) keys.assign(order.tokens.end() - last_chunk(p), order.tokens.end());
    keys.insert(keys.end(), order.tokens.begin(), order.tokens.end());
    log_counts.push_back(0);
    for (long other = 0; other < long(rounds.size()); ++other) {
      log_counts.push_back(Real(std::log(double(other + 1))) / p.scale);
      if (other == r) continue;
      OtherRound& other_round = others.emplace_back(OtherRound{sights[std::size_t(other)], {}});
      for (const std::int32_t key : keys) other_round.places.push_back(other_round.sight.place[std::size_t(key)]);
    }
  }
  /// The number of keys copied in front of the first chunk.
  long ahead() const { return long(keys.size() - order.tokens.size()); }
  std::int32_t token(long place) const { return order.tokens[std::size_t(place)]; }
};

/// Sorted queries first … first + rows − 1 against keys from key … key + cols − 1 of a round.
struct Tile {
  long first, rows, padded_rows, key, cols, padded_cols;
};

template <typename Visit>
void walk(const Problem& p, const Round& round, Visit visit) {
  for_each_chunk(p, round.order, [&](long begin, long end, long seen) {
    const long key = round.ahead() + seen, cols = end - seen;
    for (long i = begin; i < end; i += kRows) {
      const long rows = std::min(kRows, end - i);
      visit(Tile{i, rows, tile_size(rows), key, cols, tile_size(cols)});
    }
  });
}

/// The rows of one head at `tokens`, followed by zero rows.
Tensor gathered(const Tensor& x, const Problem& p, const std::vector<std::int32_t>& tokens) {
  Tensor y = Tensor::empty({long(tokens.size()) + kTilePadding, p.width});
  const ConstView from = head_view(x, p.begin, p.n, p.head, p.width);
  Real* to = y.data();
  for (const std::int32_t at : tokens) {
    kernels::copy(from.data + at * from.stride, to, p.width);
    to += p.width;
  }
  kernels::fill(to, kTilePadding * p.width, 0);
  return y;
}

void add_scattered(const Tensor& x, const Problem& p, const std::vector<std::int32_t>& tokens, Tensor& to) {
  const View place = head_view(to, p.begin, p.n, p.head, p.width);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    kernels::add(x.data() + long(i) * p.width, place.data + tokens[i] * place.stride, p.width);
}

/// The unscaled scores of a tile, and the visible columns of each row.
struct TileScores {
  View s;
  std::array<long, kRows> begin{}, end{};
  std::array<bool, kRows> alone{};  // the query sees only itself

  TileScores(Tensor& memory, const Problem& p, const Round& round, const Tile& t, const Tensor& q, const Tensor& k)
      : s{memory.data(), t.padded_rows, t.padded_cols, t.padded_cols} {
    constexpr Real kHidden = -std::numeric_limits<Real>::infinity();
    kernels::gemm(part_of(q, t.first, t.padded_rows), false, part_of(k, t.key, t.padded_cols), true, s);
    for (long r = 0; r < t.rows; ++r) {
      Real* row = s.data + r * s.stride;
      const std::int32_t* keys = round.keys.data() + t.key;
      const std::int32_t own = round.token(t.first + r);
      const long from = round.ahead() + round.sight.first[std::size_t(own)] - t.key;
      const long to = from + round.sight.count[std::size_t(own)];
      share_with_others(p, round, t, own, row, from, to);
      long seen = to - from;
      for (long c = from; p.causal && c < to; ++c)
        if (keys[c] > own) row[c] = kHidden, --seen;
      alone[std::size_t(r)] = seen == 1;
      begin[std::size_t(r)] = from, end[std::size_t(r)] = to;
      row[itself(round, t, r)] = seen == 1 ? 0 : kHidden;
    }
  }

  static long itself(const Round& round, const Tile& t, long r) { return round.ahead() + t.first + r - t.key; }

 private:
  /// Subtracts log m from the scores of keys begin … end − 1 that query `own` sees in m rounds.
  static void share_with_others(const Problem& p, const Round& round, const Tile& t, std::int32_t own, Real* row,
                                long begin, long end) {
    std::array<std::int32_t, kMostTogether> times;
    const auto tokens = std::uint32_t(p.n);
    for (long from = begin; !round.others.empty() && from < end; from += kMostTogether) {
      const long n = std::min(kMostTogether, end - from);
      std::fill_n(times.begin(), n, 1);
      for (const OtherRound& other : round.others) {
        const auto first = std::uint32_t(other.sight.first[std::size_t(own)]);
        const auto count = std::uint32_t(other.sight.count[std::size_t(own)]);
        const std::int32_t* places = other.places.data() + t.key + from;
        for (long c = 0; c < n; ++c) {
          const std::uint32_t after = std::uint32_t(places[c]) - first;  // wraps if the place is before `first`
          times[std::size_t(c)] += (after < count) | (after - tokens < count);
        }
      }
      for (long c = 0; c < n; ++c)
        if (times[std::size_t(c)] > 1) row[from + c] -= round.log_counts[std::size_t(times[std::size_t(c)])];
    }
  }
};

std::uint64_t dropout_number(const Problem& p, const Round& round, const Tile& t) {
  return p.first + std::uint64_t(round.number * round.length + t.first) * p.row_step;
}

/// Computes out (n,D) and lse (n) of one round, indexed by token.
void forward_round(const Problem& p, const Round& round, const Tensor& q, const Tensor& k, const Tensor& v, Tensor& out,
                   Real* lse) {
  Tensor memory = Tensor::empty({kRows, tile_size(2 * p.chunk)}), o = Tensor::empty({kRows, p.width});
  Tensor max = Tensor::empty({kRows}), sum = Tensor::empty({kRows}), factor = Tensor::empty({kRows});
  walk(p, round, [&](const Tile& t) {
    const TileScores scores(memory, p, round, t, q, k);
    kernels::fill(max.data(), kRows, -std::numeric_limits<Real>::infinity());
    kernels::fill(sum.data(), kRows, 0);
    kernels::attention_forward_tile(scores.s, scores.begin.data(), scores.end.data(), p.scale, max.data(), sum.data(),
                                    factor.data(), p.dropout, dropout_number(p, round, t), p.row_step);
    kernels::gemm(scores.s, false, part_of(v, t.key, t.padded_cols), false, part_of(o, 0, t.padded_rows));
    for (long r = 0; r < t.rows; ++r) {
      const long token = round.token(t.first + r);
      lse[token] = scores.alone[std::size_t(r)] ? kAlone : max.data()[r] + std::log(sum.data()[r]);
      factor.data()[r] = 1 / sum.data()[r];
    }
    kernels::scale_rows(factor.data(), part_of(o, 0, t.rows));
    for (long r = 0; r < t.rows; ++r)
      kernels::copy(o.data() + r * p.width, out.data() + round.token(t.first + r) * p.width, p.width);
  });
}

/// Adds another round to the result of `rounds` earlier ones, weighted by their sums of exponentials.
void join(const Problem& p, long rounds, const Tensor& other, const Real* other_lse, Tensor& out, Real* lse) {
  for (long i = 0; i < p.n; ++i) {
    const bool alone = lse[i] == kAlone && other_lse[i] == kAlone;
    const Real weight = alone ? 1 / Real(rounds + 1) : 1 / (1 + std::exp(lse[i] - other_lse[i]));
    kernels::scale(out.data() + i * p.width, p.width, 1 - weight);
    kernels::add_scaled(other.data() + i * p.width, weight, out.data() + i * p.width, p.width);
    if (!alone) lse[i] = std::max(lse[i], other_lse[i]) + std::log1p(std::exp(-std::abs(lse[i] - other_lse[i])));
  }
}

struct Gradients {
  Tensor& q;
  Tensor& k;
  Tensor& v;
};

void backward_round(const Problem& p, const Round& round, const Tensor& q, const Tensor& k, const Tensor& v,
                    const Tensor& dy, long rounds, const Real* lse, const Real* delta, Gradients to) {
  constexpr Real kNoWeight = std::numeric_limits<Real>::infinity();  // exp(score − kNoWeight) = 0
  const Tensor qs = gathered(q, p, round.order.tokens), ks = gathered(k, p, round.keys),
               vs = gathered(v, p, round.keys);
  const Tensor dys = gathered(dy, p, round.order.tokens);
  Tensor dq = Tensor::zeros(qs.shape()), dk = Tensor::zeros(ks.shape()), dv = Tensor::zeros(vs.shape());
  Tensor memory = Tensor::empty({kRows, tile_size(2 * p.chunk)}), products = Tensor::empty(memory.shape());
  Tensor row_lse = Tensor::zeros({kRows}), row_delta = Tensor::zeros({kRows});
  walk(p, round, [&](const Tile& t) {
    const TileScores scores(memory, p, round, t, qs, ks);
    const View ds{products.data(), t.padded_rows, t.padded_cols, t.padded_cols};
    const ConstView dout = part_of(dys, t.first, t.padded_rows);
    for (long r = 0; r < t.rows; ++r) {
      const std::int32_t token = round.token(t.first + r);
      row_lse.data()[r] = lse[token];
      if (scores.alone[std::size_t(r)]) row_lse.data()[r] = lse[token] == kAlone ? std::log(Real(rounds)) : kNoWeight;
      row_delta.data()[r] = delta[token];
    }
    kernels::gemm(dout, false, part_of(vs, t.key, t.padded_cols), true, ds);
    kernels::attention_backward_tile(scores.s, ds, scores.begin.data(), scores.end.data(), p.scale, row_lse.data(),
                                     row_delta.data(), p.dropout, dropout_number(p, round, t), p.row_step);
    for (long r = 0; r < t.rows; ++r) ds.data[r * ds.stride + TileScores::itself(round, t, r)] = 0;  // a constant score
    kernels::gemm(scores.s, true, dout, false, part_of(dv, t.key, t.padded_cols), true);
    kernels::gemm(ds, true, part_of(qs, t.first, t.padded_rows), false, part_of(dk, t.key, t.padded_cols), true);
    kernels::gemm(ds, false, part_of(ks, t.key, t.padded_cols), false, part_of(dq, t.first, t.padded_rows), true);
  });
  add_scattered(dq, p, round.order.tokens, to.q);
  add_scattered(dk, p, round.keys, to.k);
  add_scattered(dv, p, round.keys, to.v);
}

double seen_pairs(const Problem& p, const Round& round) {
  double pairs = 0;
  walk(p, round, [&](const Tile& t) { pairs += double(t.rows) * double(t.cols); });
  return pairs;
}

bool starts(const std::vector<std::int32_t>& places, long n) {
  return places.front() == 0 && places.back() < n && std::is_sorted(places.begin(), places.end());
}

/// Checks that every round contains each token of its sequence once, and that its runs and buckets begin within it.
void expect_orders(const BucketOrders& orders, long head_count, const SequenceLayout& layout) {
  std::vector<bool> seen;
  for (std::size_t at = 0; at < orders.size(); ++at) {
    const long n = layout.size(long(at) / head_count);
    bool valid = !orders[at].empty();
    for (const BucketOrder& order : orders[at]) {
      seen.assign(std::size_t(n), false);
      for (const std::int32_t token : order.tokens)
        if (token >= 0 && token < n) seen[std::size_t(token)] = true;
      valid = valid && long(order.tokens.size()) == n && std::find(seen.begin(), seen.end(), false) == seen.end() &&
              (n == 0 || (!order.runs.empty() && starts(order.runs, n))) &&
              (order.buckets.empty() || starts(order.buckets, n));
    }
    if (!valid)
      fail("[sorted_attention] order {} is not a permutation of the {} tokens of its sequence, with runs", at + 1, n);
  }
}

}  // namespace

Tensor sorted_attention(Tensor q, Tensor k, Tensor v, long head_count, BucketOrders orders, long chunk, bool causal,
                        double scale, const Dropout& site, const SequenceLayout& layout) {
  expect_steps(false, "sorted_attention");
  const long width = expect_attention(q, k, v, head_count, layout, layout, "sorted_attention");
  if (chunk < 1 || !(scale > 0) || long(orders.size()) != layout.count() * head_count)
    fail("[sorted_attention] {} orders in chunks of {} with scale {} for {} sequences and {} heads", orders.size(),
         chunk, scale, layout.count(), head_count);
  expect_orders(orders, head_count, layout);
  const bool drops = training() && site.active();
  // Calls visit(problem, its rounds) for every sequence and head.
  const auto for_each_head = [=](const BucketOrders& all, auto visit) {
    for (long s = 0; s < layout.count(); ++s)
      for (long h = 0; h < head_count; ++h) {
        const DropoutStream stream = site.stream(layout, s);
        const std::vector<BucketOrder>& rounds = all[std::size_t(s * head_count + h)];
        const std::uint64_t step = std::uint64_t(round_up(2 * chunk, kDropoutGroup));
        const Problem p{h,
                        layout.begin(s),
                        layout.size(s),
                        std::min(chunk, layout.size(s)),
                        width,
                        causal,
                        Real(scale),
                        drops ? &stream : nullptr,
                        std::uint64_t(h * long(rounds.size()) * layout.length) * step,
                        step};
        std::vector<Sight> sights;
        sights.reserve(rounds.size());
        for (const BucketOrder& order : rounds) sights.emplace_back(p, order);
        visit(p, rounds, sights);
      }
  };
  Tensor y = Tensor::empty(q.shape()), lse = Tensor::empty({head_count, layout.tokens()});
  double pairs = 0;
  {
    const Uncounted tiles;
    for_each_head(
        orders, [&](const Problem& p, const std::vector<BucketOrder>& rounds, const std::vector<Sight>& sights) {
          Real* sums = lse.data() + p.head * layout.tokens() + p.begin;
          Tensor out = Tensor::empty({p.n, width}), other = Tensor::empty({rounds.size() > 1 ? p.n : 0, width});
          Tensor other_sums = Tensor::empty({p.n});
          for (long r = 0; r < long(rounds.size()); ++r) {
            const Round round(p, rounds, sights, r, layout.length);
            pairs += seen_pairs(p, round);
            forward_round(p, round, gathered(q, p, round.order.tokens), gathered(k, p, round.keys),
                          gathered(v, p, round.keys), r == 0 ? out : other, r == 0 ? sums : other_sums.data());
            if (r > 0) join(p, r, other, other_sums.data(), out, sums);
          }
          kernels::copy_rows(out.matrix(), head_view(y, p.begin, p.n, p.head, width));
        });
  }
  Context::current().work.flops += 4 * double(width) * pairs;
  return record(y, [=, orders = std::move(orders)](Tensor dy) {
    {
      const Uncounted tiles;
      Tensor dq = zeroed_gradient_sink(q), dk = zeroed_gradient_sink(k), dv = zeroed_gradient_sink(v);
      for_each_head(orders,
                    [&](const Problem& p, const std::vector<BucketOrder>& rounds, const std::vector<Sight>& sights) {
                      Tensor delta = Tensor::empty({p.n});
                      kernels::row_dots(head_view(y, p.begin, p.n, p.head, width),
                                        head_view(dy, p.begin, p.n, p.head, width), delta.data());
                      for (long r = 0; r < long(rounds.size()); ++r)
                        backward_round(p, Round(p, rounds, sights, r, layout.length), q, k, v, dy, long(rounds.size()),
                                       lse.data() + p.head * layout.tokens() + p.begin, delta.data(), {dq, dk, dv});
                    });
    }
    Context::current().work.flops += 8 * double(width) * pairs;
  });
}

}  // namespace lra::inline LRA_ENGINE
