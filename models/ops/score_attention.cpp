#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "models/ops/detail/input_checks.h"
#include "models/ops/detail/score_strips.h"
#include "models/ops/laplace_attention.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kRows = 64;  // queries per strip

/// How scores become weights.
enum class Weighting { softmax, laplace };

/// One head of one sequence.
struct Problem {
  Weighting weighting;
  const std::vector<Scores>& terms;
  const Tensor& weights;
  long heads, head, begin, n;
  bool causal;
  const DropoutStream* dropout;
  std::uint64_t first, row_step;  // dropout number of (query 0, key 0), and from query to query

  long stride;  // of a strip; the same for all lengths, because each stride needs its own primitives

  Real weight(std::size_t term) const { return weights.defined() ? weights.data()[term] : 1; }
  /// The dropout number of (query, key 0).
  std::uint64_t number(long query) const { return first + std::uint64_t(query) * row_step; }
};

template <typename Visit>
void walk(const Problem& p, Visit visit) {
  for (long i = 0; i < p.n; i += kRows) {
    const long rows = std::min(kRows, p.n - i);
    const long cols = p.causal ? i + rows : p.n;
    visit(Strip{i, rows, tile_size(rows), cols, tile_size(cols)});
  }
}

/// The visible columns of each row of a strip; padding rows see none.
struct Visible {
  std::array<long, kRows> begin{}, end{};
  Visible(const Problem& p, const Strip& at) {
    for (long r = 0; r < at.rows; ++r) end[std::size_t(r)] = p.causal ? at.first + r + 1 : p.n;
  }
};

View strip_view(Tensor& memory, const Strip& at) {
  return {memory.data(), at.padded_rows, at.padded_cols, memory.dim(1)};
}

/// Calls visit(start of the row in each view) for every row.
template <typename Visit, typename... Views>
void by_rows(Visit visit, const View& x, const Views&... more) {
  for (long r = 0; r < x.rows; ++r) visit(x.data + r * x.stride, (more.data + r * more.stride)...);
}

class Terms {
 public:
  explicit Terms(const Problem& p) : p_(p) {
    for (const Scores& term : p.terms) each_.emplace_back(term, p.heads, p.begin, p.n, p.head);
    if (p.weights.defined()) one_ = Tensor::empty({kRows, p.stride});
  }

  /// The weighted sum of the terms' scores.
  void scores(View s, const Strip& at) {
    by_rows([&](Real* row) { kernels::fill(row, s.cols, 0); }, s);
    for (std::size_t t = 0; t < each_.size(); ++t) {
      if (!p_.weights.defined()) {
        each_[t].add_to(s, at);
        continue;
      }
      by_rows([&](Real* from, Real* to) { kernels::add_scaled(from, p_.weight(t), to, s.cols); }, only(t, at), s);
    }
  }

  void prepare_backward() {
    for (HeadScores& term : each_) term.prepare_backward();
  }

  /// Adds to the gradients of the terms and, if there are any, of the weights.
  void backward(View ds, const Strip& at, Real* dweights) {
    for (std::size_t t = 0; t < each_.size(); ++t) {
      if (!p_.weights.defined()) {
        each_[t].backward(ds, at);
        continue;
      }
      const View alone = only(t, at);
      by_rows(
          [&](Real* score, Real* gradient) {
            Real dot = 0;
            kernels::row_dots({gradient, 1, at.cols, at.cols}, {score, 1, at.cols, at.cols}, &dot);
            dweights[t] += dot;
            kernels::copy(gradient, score, ds.cols);
            kernels::scale(score, ds.cols, p_.weight(t));
          },
          alone, ds);
      each_[t].backward(alone, at);
    }
  }

  void finish_backward() {
    for (HeadScores& term : each_) term.finish_backward();
  }

 private:
  /// The unweighted scores of term t alone.
  View only(std::size_t t, const Strip& at) {
    const View alone = strip_view(one_, at);
    by_rows([&](Real* row) { kernels::fill(row, alone.cols, 0); }, alone);
    each_[t].add_to(alone, at);
    return alone;
  }

  const Problem& p_;
  std::vector<HeadScores> each_;
  Tensor one_;
};

/// The weight of a visible score, and its derivative.
struct Laplace {
  Real weight, slope;
  explicit Laplace(Real score) {
    const Real distance = score - Real(std::numbers::sqrt2 / 2);
    weight = Real(0.5) * std::erfc(-Real(std::sqrt(2 * std::numbers::pi)) * distance);
    slope = Real(std::numbers::sqrt2) * std::exp(-Real(2 * std::numbers::pi) * distance * distance);
  }
};

/// Replaces the scores of a strip by Laplace weights after dropout; those that are not visible, and padding, by 0. With
/// `ds`, the gradients of these weights are replaced by those of scores.
void weigh_by_laplace(const Problem& p, const Strip& at, const Visible& seen, View s, View ds = {}) {
  for (long r = 0; r < s.rows; ++r) {
    Real* weights = s.data + r * s.stride;
    Real* gradients = ds.data ? ds.data + r * ds.stride : nullptr;
    const long end = seen.end[std::size_t(r)];
    if (p.dropout && gradients) kernels::dropout(*p.dropout, p.number(at.first + r), gradients, gradients, end);
    for (long c = 0; c < end; ++c) {
      const Laplace laplace(weights[c]);
      weights[c] = laplace.weight;
      if (gradients) gradients[c] *= laplace.slope;
    }
    if (p.dropout) kernels::dropout(*p.dropout, p.number(at.first + r), weights, weights, end);
    kernels::fill(weights + end, s.cols - end, 0);
    if (gradients) kernels::fill(gradients + end, s.cols - end, 0);
  }
}

void forward_head(const Problem& p, const Tensor& values, Tensor& y, Real* lse) {
  Terms terms(p);
  Tensor strip = Tensor::empty({kRows, p.stride}), max = Tensor::empty({kRows}), sum = Tensor::empty({kRows});
  Tensor factor = Tensor::empty({kRows}), out = Tensor::empty({kRows, values.dim(1)});
  const bool normalised = p.weighting == Weighting::softmax;
  walk(p, [&](const Strip& at) {
    const Visible seen(p, at);
    const View s = strip_view(strip, at);
    terms.scores(s, at);
    if (normalised) {
      kernels::fill(max.data(), kRows, -std::numeric_limits<Real>::infinity());
      kernels::fill(sum.data(), kRows, 0);
      kernels::attention_forward_tile(s, seen.begin.data(), seen.end.data(), 1, max.data(), sum.data(), factor.data(),
                                      p.dropout, p.number(at.first), p.row_step);
    } else {
      weigh_by_laplace(p, at, seen, s);
    }
    by_columns(at.cols, [&](long j, long count) {
      kernels::gemm(columns_of(s, j, count), false, part_of(values, j, count), false, part_of(out, 0, s.rows), j > 0);
    });
    for (long r = 0; r < at.rows && normalised; ++r) {
      lse[at.first + r] = max.data()[r] + std::log(sum.data()[r]);
      factor.data()[r] = 1 / sum.data()[r];
    }
    const View place = head_view(y, p.begin + at.first, at.rows, p.head, values.dim(1));
    for (long r = 0; r < at.rows; ++r)
      kernels::copy(out.data() + r * out.dim(1), place.data + r * place.stride, out.dim(1));
    if (normalised) kernels::scale_rows(factor.data(), place);
  });
}

void backward_head(const Problem& p, const Tensor& values, const Tensor& y, const Tensor& dy, const Real* lse,
                   Tensor& dvalues, Real* dweights) {
  Terms terms(p);
  terms.prepare_backward();
  Tensor strip = Tensor::empty({kRows, p.stride}), products = Tensor::empty({kRows, p.stride});
  Tensor delta = Tensor::zeros({kRows}), row_lse = Tensor::zeros({kRows});
  walk(p, [&](const Strip& at) {
    const Visible seen(p, at);
    const View s = strip_view(strip, at), ds = strip_view(products, at);
    const ConstView dout = part_of(dy, at.first, at.padded_rows);
    terms.scores(s, at);
    by_columns(at.cols, [&](long j, long count) {
      kernels::gemm(dout, false, part_of(values, j, count), true, columns_of(ds, j, count));
    });
    if (p.weighting == Weighting::softmax) {
      kernels::row_dots(part_of(y, at.first, at.rows), part_of(dy, at.first, at.rows), delta.data());
      kernels::copy(lse + at.first, row_lse.data(), at.rows);
      kernels::attention_backward_tile(s, ds, seen.begin.data(), seen.end.data(), 1, row_lse.data(), delta.data(),
                                       p.dropout, p.number(at.first), p.row_step);
    } else {
      weigh_by_laplace(p, at, seen, s, ds);
    }
    by_columns(at.cols, [&](long j, long count) {
      kernels::gemm(columns_of(s, j, count), true, dout, false, part_of(dvalues, j, count), true);
    });
    terms.backward(ds, at, dweights);
  });
  terms.finish_backward();
}

Tensor attend(Weighting weighting, std::vector<Scores> terms, Tensor weights, Tensor v, long head_count, bool causal,
              const Dropout& site, const SequenceLayout& layout, const char* op) {
  expect_steps(false, op);
  const long width = head_width(v, head_count, op, "values");
  expect_packed(v, layout, op, "values");
  if (weights.defined()) expect_input(weights, {1, long(terms.size())}, "score_attention", "weights");
  for (const Scores& scores : terms) check_scores(scores, head_count, layout);
  const bool drops = training() && site.active();
  const std::uint64_t row_step = std::uint64_t(round_up(layout.length, kDropoutGroup));
  const long stride = tile_size(layout.length) + kTilePadding;
  // Calls visit(problem, values) for every sequence and head.
  const auto for_each_head = [=](const std::vector<Scores>& scores, auto visit) {
    for (long s = 0; s < layout.count(); ++s)
      for (long h = 0; h < head_count; ++h) {
        const DropoutStream stream = site.stream(layout, s);
        visit(Problem{weighting, scores, weights, head_count, h, layout.begin(s), layout.size(s), causal,
                      drops ? &stream : nullptr, std::uint64_t(h) * std::uint64_t(layout.length) * row_step, row_step,
                      stride},
              padded_head(v, layout.begin(s), layout.size(s), h, width));
      }
  };
  double pairs = 0, cost = 2 * double(width);
  for (long s = 0; s < layout.count(); ++s) {
    const double n = double(layout.size(s));
    pairs += double(head_count) * (causal ? n * (n + 1) / 2 : n * n);
  }
  for (const Scores& scores : terms) cost += flops_of_pair(scores, head_count);

  Tensor y = Tensor::empty(v.shape()), lse = Tensor::empty({head_count, layout.tokens()});
  {
    const Uncounted strips;
    for_each_head(terms, [&](const Problem& p, const Tensor& values) {
      forward_head(p, values, y, lse.data() + p.head * layout.tokens() + p.begin);
    });
  }
  Context::current().work.flops += cost * pairs;
  const auto backward = [=, terms = std::move(terms)](Tensor dy) {
    {
      const Uncounted strips;
      Tensor dv = zeroed_gradient_sink(v);
      Tensor dweights = Tensor::zeros({1, long(terms.size())});
      for_each_head(terms, [&](const Problem& p, const Tensor& values) {
        Tensor dvalues = Tensor::zeros(values.shape());
        backward_head(p, values, padded_head(y, p.begin, p.n, p.head, width),
                      padded_head(dy, p.begin, p.n, p.head, width), lse.data() + p.head * layout.tokens() + p.begin,
                      dvalues, dweights.data());
        add_to_head(dvalues, dv, p.begin, p.n, p.head);
      });
      if (weights.defined() && wants_gradient(weights)) accumulate_gradient(weights, std::move(dweights));
    }
    Context::current().work.flops += 2 * cost * pairs;
  };
  return record(y, backward, op);
}

}  // namespace

Tensor score_attention(std::vector<Scores> terms, Tensor weights, Tensor v, long head_count, bool causal,
                       const Dropout& site, const SequenceLayout& layout) {
  return attend(Weighting::softmax, std::move(terms), std::move(weights), std::move(v), head_count, causal, site,
                layout, "score_attention");
}

Tensor laplace_attention(std::vector<Scores> terms, Tensor v, long head_count, bool causal, const Dropout& site,
                         const SequenceLayout& layout) {
  return attend(Weighting::laplace, std::move(terms), {}, std::move(v), head_count, causal, site, layout,
                "laplace_attention");
}

}  // namespace lra::inline LRA_ENGINE
