/// Attention whose keys decay by one factor per head and token, as matrix products.
///
/// Where all features of a key decay alike, scores are products of queries and keys times a matrix of weights, whose
/// exponents are differences of the sums of log decays in a chunk. The sums are taken in double, so that a difference
/// is exact to float's last place. Chunks see each other through a state for each direction: that before the chunk has
/// all earlier keys, that after it all later ones, and queries decayed since either side read both in one product.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "models/ops/detail/decay_by_heads.h"
#include "models/ops/detail/head_pass.h"
#include "models/ops/detail/head_view.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kHeadChunk = 64;         // tokens between states
constexpr long kRowGroup = 16;          // sequences are filled up to a multiple, so that products have few sizes
constexpr double kNothingLeft = -1000;  // a log decay whose exponential is 0, with finite sums

/// The sums of log decays in a chunk of n tokens: before token 0 … n.
using Sums = std::array<double, kHeadChunk + 1>;

/// The sides from which keys reach a query of another chunk.
enum class Side { earlier, later };
std::vector<Side> sides_of(Direction direction) {
  if (direction == Direction::both) return {Side::earlier, Side::later};
  return {direction == Direction::forward ? Side::earlier : Side::later};
}

/// The tokens of one head of one sequence, filled up with rows of zeros that do not decay.
struct HeadTokens {
  Tensor q, k, v;
  std::vector<Sums> sums;
  std::vector<Side> sides;
  long count() const { return long(sums.size()); }
  long states() const { return long(sides.size()) * q.dim(1); }  // rows of a chunk's states
  long rows(long chunk) const { return std::min(kHeadChunk, q.dim(0) - chunk * kHeadChunk); }
  double whole(long chunk) const { return std::exp(sums[std::size_t(chunk)][std::size_t(rows(chunk))]); }
};

/// The head's columns of n rows, and rows of zeros up to a multiple of kRowGroup.
Tensor filled_up(const Tensor& x, long begin, long n, long head, long width) {
  Tensor y = Tensor::empty({(n + kRowGroup - 1) / kRowGroup * kRowGroup, width});
  kernels::copy_rows(head_view(x, begin, n, head, width), part_of(y, 0, n));
  kernels::fill(y.data() + n * width, y.size() - n * width, 0);
  return y;
}

ConstView chunk_of(const Tensor& x, long chunk) {
  return part_of(x, chunk * kHeadChunk, std::min(kHeadChunk, x.dim(0) - chunk * kHeadChunk));
}
View chunk_of(Tensor& x, long chunk) {
  return part_of(x, chunk * kHeadChunk, std::min(kHeadChunk, x.dim(0) - chunk * kHeadChunk));
}

/// Sums of log decays chunk by chunk; those of tokens from n on are 0.
std::vector<Sums> sums_of(const Tensor& log_decay, long begin, long n, long filled, long head) {
  std::vector<Sums> all(std::size_t((filled + kHeadChunk - 1) / kHeadChunk));
  for (long t = 0; t < long(all.size()) * kHeadChunk; ++t) {
    Sums& sums = all[std::size_t(t / kHeadChunk)];
    const std::size_t i = std::size_t(t % kHeadChunk);
    if (i == 0) sums[0] = 0;
    const long row = log_decay.dim(0) > 1 ? begin + t : 0;
    const double term = t < n ? double(log_decay.data()[row * log_decay.dim(1) + head]) : 0;
    sums[i + 1] = sums[i] + std::max(term, kNothingLeft);
  }
  return all;
}

/// What keys of a chunk keep of themselves by a query of the same chunk (n,n), 0 on sides that are not seen.
Tensor weights_of(const HeadTokens& x, long chunk) {
  const long n = x.rows(chunk);
  const double* sums = x.sums[std::size_t(chunk)].data();
  const bool earlier = x.sides.front() == Side::earlier, later = x.sides.back() == Side::later;
  Tensor w = Tensor::empty({n, n});
  for (long i = 0; i < n; ++i) {
    Real* row = w.data() + i * n;
    for (long j = 0; j < i; ++j) row[j] = Real(earlier ? sums[i + 1] - sums[j + 1] : kNothingLeft);
    row[i] = 0;
    for (long j = i + 1; j < n; ++j) row[j] = Real(later ? sums[j] - sums[i] : kNothingLeft);
  }
  kernels::exponential(w.data(), w.data(), w.size());
  return w;
}

/// The decays of a chunk's n queries since the sides that they see, or of its keys until the sides that see them:
/// (sides,n).
Tensor decays_of(const HeadTokens& x, long chunk, bool of_queries) {
  const long n = x.rows(chunk);
  const double* sums = x.sums[std::size_t(chunk)].data();
  Tensor y = Tensor::empty({long(x.sides.size()), n});
  Real* out = y.data();
  for (const Side side : x.sides)
    for (long i = 0; i < n; ++i) {
      const bool from_begin = (side == Side::earlier) == of_queries;
      const long boundary = i + (side == Side::earlier ? 1 : 0);
      *out++ = Real(from_begin ? sums[boundary] : sums[n] - sums[boundary]);
    }
  kernels::exponential(y.data(), y.data(), y.size());
  return y;
}

/// A chunk's rows times their decays, side by side for each side: (n,M) → (n,sides·M).
Tensor spread(const ConstView& x, const Tensor& decays) {
  const long m = x.cols;
  Tensor y = Tensor::empty({x.rows, decays.dim(0) * m});
  for (long s = 0; s < decays.dim(0); ++s) {
    const View part = block(y.matrix(), 0, x.rows, s * m, m);
    kernels::copy_rows(x, part);
    kernels::scale_rows(decays.data() + s * x.rows, part);
  }
  return y;
}

/// The gradients of `spread`: scales dy, adds its parts to dx, and returns for each side (sides,n) the gradient of the
/// rows' log decays.
Tensor spread_backward(const ConstView& x, const Tensor& decays, Tensor& dy, const View& dx) {
  const long m = x.cols;
  Tensor dlogs = Tensor::empty({decays.dim(0), x.rows});
  for (long s = 0; s < decays.dim(0); ++s) {
    const View part = block(dy.matrix(), 0, x.rows, s * m, m);
    kernels::scale_rows(decays.data() + s * x.rows, part);
    kernels::add_rows(part, dx);
    kernels::row_dots(part, x, dlogs.data() + s * x.rows);
  }
  return dlogs;
}

/// Replaces what each chunk adds to the states by the sum of what the chunks before it have added, decayed; before it
/// in the order in which keys of each side reach the chunks, or if `back` in the opposite order.
void accumulate_states(const HeadTokens& x, bool back, Tensor& states) {
  const long size = x.q.dim(1) * states.dim(1);
  for (std::size_t s = 0; s < x.sides.size(); ++s) {
    Tensor carried = Tensor::zeros({size}), next = Tensor::empty({size});
    for (long step = 0; step < x.count(); ++step) {
      const long chunk = (x.sides[s] == Side::earlier) != back ? step : x.count() - 1 - step;
      Real* own = states.data() + (chunk * x.states()) * states.dim(1) + long(s) * size;
      kernels::copy(own, next.data(), size);
      kernels::add_scaled(carried.data(), Real(x.whole(chunk)), next.data(), size);
      kernels::copy(carried.data(), own, size);
      std::swap(carried, next);
    }
  }
}

/// The states of each side that a chunk's queries read (chunks·sides·M,D).
Tensor states_of(const HeadTokens& x) {
  Tensor states = Tensor::empty({x.count() * x.states(), x.v.dim(1)});
  for (long i = 0; i < x.count(); ++i)
    kernels::gemm(spread(chunk_of(x.k, i), decays_of(x, i, false)).matrix(), true, chunk_of(x.v, i), false,
                  part_of(states, i * x.states(), x.states()));
  accumulate_states(x, false, states);
  return states;
}

Tensor attend(const HeadTokens& x) {
  Tensor y = Tensor::empty(x.v.shape());
  const Tensor states = states_of(x);
  for (long i = 0; i < x.count(); ++i) {
    const ConstView q = chunk_of(x.q, i);
    Tensor scores = Tensor::empty({q.rows, q.rows});
    kernels::gemm(q, false, chunk_of(x.k, i), true, scores.matrix());
    kernels::multiply(weights_of(x, i).data(), scores.data(), scores.size());
    kernels::gemm(scores.matrix(), false, chunk_of(x.v, i), false, chunk_of(y, i));
    kernels::gemm(spread(q, decays_of(x, i, true)).matrix(), false, part_of(states, i * x.states(), x.states()), false,
                  chunk_of(y, i), true);
  }
  return y;
}

/// Adds the gradients of a chunk's sums by its weights, given weight ∘ gradient of each pair (n,n).
void weights_backward(const Real* products, long n, Sums& dsums) {
  for (long i = 0; i < n; ++i)
    for (long j = 0; j < n; ++j) {
      const double d = double(products[i * n + j]);
      const bool earlier = j <= i;
      dsums[std::size_t(earlier ? i + 1 : j)] += d;
      dsums[std::size_t(earlier ? j + 1 : i)] -= d;
    }
}

/// Adds the gradients of a chunk's sums, given those of the logarithms of decays_of.
void decays_backward(const HeadTokens& x, bool of_queries, const Tensor& dlogs, Sums& dsums) {
  const long n = dlogs.dim(1);
  const Real* d = dlogs.data();
  for (const Side side : x.sides)
    for (long i = 0; i < n; ++i, ++d) {
      const bool from_begin = (side == Side::earlier) == of_queries;
      dsums[std::size_t(i + (side == Side::earlier ? 1 : 0))] += double(from_begin ? *d : -*d);
      if (!from_begin) dsums[std::size_t(n)] += double(*d);
    }
}

/// Σ over all elements of a ∘ b.
double dot(const ConstView& a, const ConstView& b) {
  Tensor dots = Tensor::empty({a.rows});
  kernels::row_dots(a, b, dots.data());
  double sum = 0;
  for (long i = 0; i < a.rows; ++i) sum += double(dots.data()[i]);
  return sum;
}

struct HeadGradients {
  Tensor q, k, v;
  std::vector<double> log_decay;  // per token, or empty if not wanted
};

/// Writes the gradients of a chunk's q, k and v, and returns those of its sums. `dstates`: of the states after the
/// chunk's keys were added.
Sums attend_backward(const HeadTokens& x, long i, const ConstView& dy, const ConstView& states,
                     const ConstView& dstates, HeadGradients& d, bool wants_decays) {
  const ConstView q = chunk_of(x.q, i), k = chunk_of(x.k, i), v = chunk_of(x.v, i);
  const long n = q.rows;
  const Tensor weights = weights_of(x, i), since = decays_of(x, i, true), until = decays_of(x, i, false);
  Tensor scores = Tensor::empty({n, n}), dscores = Tensor::empty({n, n});
  kernels::gemm(q, false, k, true, scores.matrix());
  kernels::multiply(weights.data(), scores.data(), n * n);
  kernels::gemm(dy, false, v, true, dscores.matrix());
  kernels::gemm(scores.matrix(), true, dy, false, chunk_of(d.v, i));
  kernels::gemm(spread(k, until).matrix(), false, dstates, false, chunk_of(d.v, i), true);
  kernels::multiply(dscores.data(), scores.data(), n * n);
  kernels::multiply(weights.data(), dscores.data(), n * n);
  kernels::gemm(dscores.matrix(), false, k, false, chunk_of(d.q, i));
  kernels::gemm(dscores.matrix(), true, q, false, chunk_of(d.k, i));
  Tensor dspread = Tensor::empty({n, x.states()});
  kernels::gemm(dy, false, states, true, dspread.matrix());
  const Tensor dsince = spread_backward(q, since, dspread, chunk_of(d.q, i));
  kernels::gemm(v, false, dstates, true, dspread.matrix());
  const Tensor duntil = spread_backward(k, until, dspread, chunk_of(d.k, i));
  Sums dsums{};
  if (!wants_decays) return dsums;
  weights_backward(scores.data(), n, dsums);
  decays_backward(x, true, dsince, dsums);
  decays_backward(x, false, duntil, dsums);
  dsums[std::size_t(n)] += x.whole(i) * dot(states, dstates);
  return dsums;
}

/// The gradients of a head's inputs. States are computed again, so that forward need not keep them.
HeadGradients attend_backward(const HeadTokens& x, const Tensor& dy, bool wants_decays) {
  const Tensor states = states_of(x);
  Tensor dstates = Tensor::empty(states.shape());
  for (long i = 0; i < x.count(); ++i)
    kernels::gemm(spread(chunk_of(x.q, i), decays_of(x, i, true)).matrix(), true, chunk_of(dy, i), false,
                  part_of(dstates, i * x.states(), x.states()));
  accumulate_states(x, true, dstates);
  HeadGradients d{Tensor::empty(x.q.shape()), Tensor::empty(x.k.shape()), Tensor::empty(x.v.shape()), {}};
  d.log_decay.resize(wants_decays ? std::size_t(x.q.dim(0)) : 0);
  for (long i = 0; i < x.count(); ++i) {
    const auto own = [&](const Tensor& all) { return part_of(all, i * x.states(), x.states()); };
    const Sums dsums = attend_backward(x, i, chunk_of(dy, i), own(states), own(dstates), d, wants_decays);
    if (!wants_decays) continue;
    double later = 0;
    for (long t = x.rows(i) - 1; t >= 0; --t)
      d.log_decay[std::size_t(i * kHeadChunk + t)] = later += dsums[std::size_t(t + 1)];
  }
  return d;
}

}  // namespace

Tensor decay_by_heads(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& log_decay, long head_count,
                      const SequenceLayout& layout, Direction direction) {
  const long m = q.dim(1) / head_count, d = v.dim(1) / head_count;
  const auto tokens = [=](long begin, long n, long head) {
    HeadTokens x{filled_up(q, begin, n, head, m),
                 filled_up(k, begin, n, head, m),
                 filled_up(v, begin, n, head, d),
                 {},
                 sides_of(direction)};
    x.sums = sums_of(log_decay, begin, n, x.q.dim(0), head);
    return x;
  };
  Tensor y = Tensor::empty(v.shape());
  for (long s = 0; s < layout.count(); ++s)
    for (long head = 0; head < head_count; ++head) {
      const long begin = layout.begin(s), n = layout.size(s);
      if (n == 0) continue;
      const Tensor own = attend(tokens(begin, n, head));
      kernels::copy_rows(part_of(own, 0, n), head_view(y, begin, n, head, d));
    }
  return record(
      std::move(y),
      [=, wants_decays = wants_gradient(log_decay)](const Tensor& dy) {
        Tensor dq = zeroed_gradient_sink(q), dk = zeroed_gradient_sink(k), dv = zeroed_gradient_sink(v);
        Tensor dlog_decay = zeroed_gradient_sink(log_decay);
        for (long s = 0; s < layout.count(); ++s)
          for (long head = 0; head < head_count; ++head) {
            const long begin = layout.begin(s), n = layout.size(s);
            if (n == 0) continue;
            const HeadGradients own =
                attend_backward(tokens(begin, n, head), filled_up(dy, begin, n, head, d), wants_decays);
            add_to_head(own.q, dq, begin, n, head);
            add_to_head(own.k, dk, begin, n, head);
            add_to_head(own.v, dv, begin, n, head);
            if (!wants_decays) continue;
            const bool is_constant = log_decay.dim(0) == 1;
            double sum = 0;
            for (long t = 0; t < n; ++t) {
              sum += own.log_decay[std::size_t(t)];
              if (is_constant && t + 1 < n) continue;
              dlog_decay.data()[(is_constant ? 0 : begin + t) * head_count + head] += Real(std::exchange(sum, 0));
            }
          }
      },
      "decayed_attention");
}

}  // namespace lra::inline LRA_ENGINE
