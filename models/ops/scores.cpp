/// Each kind of scores: its contribution to a strip, and the gradients from one.
#include "models/ops/detail/score_strips.h"

#include <algorithm>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {

Scores Scores::of_tokens(Tensor q, Tensor k, double scale) {
  return {Kind::product, std::move(q), std::move(k), true, true, scale, {}};
}
Scores Scores::of_tokens_and_positions(Tensor x, Tensor w, Tensor bias) {
  return {Kind::product, std::move(x), std::move(w), true, false, 1, std::move(bias)};
}
Scores Scores::of_positions(Tensor a, Tensor b) {
  return {Kind::product, std::move(a), std::move(b), false, false, 1, {}};
}
Scores Scores::in_table(Tensor table) { return {Kind::table, std::move(table), {}, false, false, 1, {}}; }
Scores Scores::of_factors(Tensor a, Tensor b) { return {Kind::outer, std::move(a), std::move(b), true, true, 1, {}}; }

Scores Scores::of_distances(Tensor table) { return {Kind::distance, std::move(table), {}, false, false, 1, {}}; }

HeadScores::HeadScores(const Scores& scores, long head_count, long begin, long n, long head)
    : scores_(scores),
      n_(n),
      head_(head),
      left_at_(scores.left_packed ? begin : 0),
      right_at_(scores.right_packed ? begin : 0) {
  if (scores.kind == Scores::Kind::table) return;
  if (scores.kind == Scores::Kind::distance) {
    left_ = Tensor::empty({2 * n - 1, 1});
    for (long d = 1 - n; d < n; ++d) left_.data()[d + n - 1] = scores.left.data()[distance_entry(d)];
    return;
  }
  left_ = padded_head(scores.left, left_at_, n, head, scores.left.dim(1) / head_count);
  right_ = padded_head(scores.right, right_at_, n, head, scores.right.dim(1) / head_count);
}

void HeadScores::prepare_backward() {
  if (scores_.kind == Scores::Kind::table) return;
  dleft_ = Tensor::zeros(left_.shape());
  if (scores_.kind == Scores::Kind::distance) return;
  dright_ = Tensor::zeros(right_.shape());
}

void HeadScores::add_to(const View& strip, const Strip& at) const {
  switch (scores_.kind) {
    case Scores::Kind::product:
      by_columns(at.cols, [&](long j, long count) {
        kernels::gemm(part_of(left_, at.first, at.padded_rows), false, part_of(right_, j, count), true,
                      columns_of(strip, j, count), true, Real(scores_.scale));
      });
      if (scores_.bias.defined())
        kernels::add_row(scores_.bias.data() + head_ * scores_.bias.dim(1),
                         {strip.data, at.rows, at.cols, strip.stride});
      return;
    case Scores::Kind::table:
      for (long r = 0; r < at.rows; ++r) kernels::add(table_row(at.first + r), strip.data + r * strip.stride, at.cols);
      return;
    case Scores::Kind::distance:
      for (long r = 0; r < at.rows; ++r)
        kernels::add(left_.data() + n_ - 1 - at.first - r, strip.data + r * strip.stride, at.cols);
      return;
    case Scores::Kind::outer:
      for (long r = 0; r < at.rows; ++r)
        for (long block = 0; block * left_.dim(1) < at.cols; ++block)
          kernels::add_scaled(left_.data() + (at.first + r) * left_.dim(1), factor(at.first + r, block),
                              strip.data + r * strip.stride + block * left_.dim(1), block_size(block, at.cols));
  }
}

void HeadScores::backward(const View& ds, const Strip& at) {
  switch (scores_.kind) {
    case Scores::Kind::product: {
      const Real scale = Real(scores_.scale);
      by_columns(at.cols, [&](long j, long count) {
        kernels::gemm(columns_of(ds, j, count), false, part_of(std::as_const(right_), j, count), false,
                      part_of(dleft_, at.first, at.padded_rows), true, scale);
        kernels::gemm(columns_of(ds, j, count), true, part_of(std::as_const(left_), at.first, at.padded_rows), false,
                      part_of(dright_, j, count), true, scale);
      });
      if (scores_.bias.defined())
        kernels::add_column_sums({ds.data, at.rows, at.cols, ds.stride},
                                 zeroed_gradient_sink(scores_.bias).data() + head_ * scores_.bias.dim(1));
      return;
    }
    case Scores::Kind::table: {
      if (!wants_gradient(scores_.left)) return;  // random, not trained
      Tensor place = zeroed_gradient_sink(scores_.left);
      for (long r = 0; r < at.rows; ++r)
        kernels::add(ds.data + r * ds.stride, place.data() + (table_row(at.first + r) - scores_.left.data()), at.cols);
      return;
    }
    case Scores::Kind::distance:
      for (long r = 0; r < at.rows; ++r)
        kernels::add(ds.data + r * ds.stride, dleft_.data() + n_ - 1 - at.first - r, at.cols);
      return;
    case Scores::Kind::outer:
      for (long r = 0; r < at.rows; ++r)
        for (long block = 0; block * left_.dim(1) < at.cols; ++block) {
          const long row = at.first + r, size = block_size(block, at.cols), a = left_.dim(1);
          const Real* gradient = ds.data + r * ds.stride + block * a;
          Real dot = 0;
          kernels::row_dots({gradient, 1, size, size}, {left_.data() + row * a, 1, size, size}, &dot);
          dright_.data()[row * right_.dim(1) + block] += dot;
          kernels::add_scaled(gradient, factor(row, block), dleft_.data() + row * a, size);
        }
  }
}

void HeadScores::finish_backward() {
  if (scores_.kind == Scores::Kind::table) return;
  if (scores_.kind == Scores::Kind::distance) {
    Tensor place = zeroed_gradient_sink(scores_.left);
    for (long d = 1 - n_; d < n_; ++d) place.data()[distance_entry(d)] += dleft_.data()[d + n_ - 1];
    return;
  }
  for (const auto& [from, to, at] :
       {std::tuple{&dleft_, &scores_.left, left_at_}, std::tuple{&dright_, &scores_.right, right_at_}}) {
    Tensor place = zeroed_gradient_sink(*to);
    add_to_head(*from, place, at, n_, head_);
  }
}

void check_scores(const Scores& scores, long head_count, const SequenceLayout& layout) {
  long longest = 0;
  for (long s = 0; s < layout.count(); ++s) longest = std::max(longest, layout.size(s));
  if (scores.kind == Scores::Kind::table) {
    if (scores.left.rank() != 3 || !scores.left.contiguous() || scores.left.dim(0) != head_count ||
        scores.left.dim(1) < longest || scores.left.dim(2) < longest)
      fail("[score_attention] a table {} does not fit {} heads and {} tokens", scores.left.shape().text(), head_count,
           longest);
    return;
  }
  if (scores.kind == Scores::Kind::distance) {
    expect_matrix(scores.left, "score_attention", "distances");
    if (scores.left.dim(0) % 2 == 0 || scores.left.dim(1) != head_count)
      fail("[score_attention] {} is not a table of distances for {} heads", scores.left.shape().text(), head_count);
    return;
  }
  for (const auto& [x, packed] : {std::pair{&scores.left, scores.left_packed}, {&scores.right, scores.right_packed}})
    if (x->rank() != 2 || !x->contiguous() || x->dim(1) % head_count != 0 ||
        (packed ? x->dim(0) != layout.tokens() : x->dim(0) < longest))
      fail("[score_attention] {} does not fit {} heads and {} tokens, {} in the longest sequence", x->shape().text(),
           head_count, layout.tokens(), longest);
  const long a = scores.left.dim(1) / head_count, b = scores.right.dim(1) / head_count;
  if (scores.kind == Scores::Kind::outer ? a * b < longest : a != b)
    fail("[score_attention] {} and {} do not match as scores for {} tokens", scores.left.shape().text(),
         scores.right.shape().text(), longest);
  if (scores.bias.defined() && (scores.bias.rank() != 2 || !scores.bias.contiguous() ||
                                scores.bias.dim(0) != head_count || scores.bias.dim(1) < longest))
    fail("[score_attention] a bias {} does not fit {} heads and {} tokens", scores.bias.shape().text(), head_count,
         longest);
}

double flops_of_pair(const Scores& scores, long head_count) {
  if (scores.kind != Scores::Kind::product) return 0;
  return 2 * double(scores.left.dim(1)) / double(head_count);
}

}  // namespace lra::inline LRA_ENGINE
