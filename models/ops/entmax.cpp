/// Attention by α-entmax, in strips of queries.
#include <algorithm>
#include <cmath>

#include "models/ops/detail/head_view.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kRows = 64;  // queries per strip

/// The gradients of q, k, v and of each head's α.
struct Slopes {
  Tensor q, k, v, alpha;
};

/// The inputs and state that forward and backward share.
struct EntmaxHeads {
  Tensor q, k, v, alpha;
  long head_count, width;
  bool causal, drops;
  Dropout site;
  SequenceLayout layout;
  /// (T,H,2): each shift as a sum of two numbers, because the probabilities that backward recomputes must sum to 1.
  Tensor shifts = Tensor::empty({layout.tokens(), head_count, 2});

  Real factor() const { return Real(1 / std::sqrt(double(width))); }
  double epsilon(long h) const { return double(alpha.data()[h]) - 1; }
  /// The number of keys, out of n, that query i sees.
  long visible(long i, long n) const { return causal ? i + 1 : n; }
  /// The number of visible (query, key) pairs over all heads.
  double pairs() const {
    double all = 0;
    for (long s = 0; s < layout.count(); ++s) {
      const double n = double(layout.size(s));
      all += double(head_count) * (causal ? n * (n + 1) / 2 : n * n);
    }
    return all;
  }

  /// Calls visit(first query, queries, keys) strip by strip.
  void by_strips(long n, auto visit) const {
    for (long i = 0; i < n; i += kRows)
      visit(i, std::min(kRows, n - i), tile_size(causal ? std::min(i + kRows, n) : n));
  }

  /// Applies dropout to n probabilities of query i, or to their gradients.
  void drop(long s, long h, long i, Real* row, long n) const {
    const std::uint64_t step = std::uint64_t(round_up(layout.length, 128));
    if (drops)
      kernels::dropout(site.stream(layout, s),
                       (std::uint64_t(h) * std::uint64_t(layout.length) + std::uint64_t(i)) * step, row, row, n);
  }

  Tensor head(const Tensor& x, long s, long h) const {
    return padded_head(x, layout.begin(s), layout.size(s), h, width);
  }
  long shift_of(long s, long h, long i) const { return ((layout.begin(s) + i) * head_count + h) * 2; }

  void forward(long s, long h, Tensor& y);
  void backward(long s, long h, const Tensor& dy, Slopes& slopes) const;
};

void EntmaxHeads::forward(long s, long h, Tensor& y) {
  const long n = layout.size(s);
  const Tensor own_q = head(q, s, h), own_k = head(k, s, h), own_v = head(v, s, h);
  Tensor out = Tensor::empty({n + kTilePadding, width});
  by_strips(n, [&](long first, long rows, long cols) {
    Tensor p = Tensor::empty({tile_size(rows), cols}), scratch = Tensor::empty({kernels::entmax_scratch(cols)});
    kernels::gemm(part_of(own_q, first, p.dim(0)), false, part_of(own_k, 0, cols), true, p.matrix(), false, factor());
    for (long r = 0; r < p.dim(0); ++r) {
      Real* row = p.data() + r * cols;
      const long seen = r < rows ? visible(first + r, n) : 0;
      if (seen > 0) {
        const double found = kernels::entmax(row, seen, epsilon(h), scratch.data());
        Real* kept = shifts.data() + shift_of(s, h, first + r);
        kept[0] = Real(found), kept[1] = Real(found - double(kept[0]));
      }
      drop(s, h, first + r, row, seen);
      kernels::fill(row + seen, cols - seen, 0);
    }
    kernels::gemm(p.matrix(), false, part_of(own_v, 0, cols), false, part_of(out, first, p.dim(0)));
  });
  kernels::copy_rows(out.matrix(), head_view(y, layout.begin(s), n, h, width));
}

void EntmaxHeads::backward(long s, long h, const Tensor& dy, Slopes& slopes) const {
  const long at = layout.begin(s), n = layout.size(s);
  const Tensor own_q = head(q, s, h), own_k = head(k, s, h), own_v = head(v, s, h), own_dy = head(dy, s, h);
  Tensor dq = Tensor::zeros(own_q.shape()), dk = Tensor::zeros(own_q.shape()), dv = Tensor::zeros(own_q.shape());
  by_strips(n, [&](long first, long rows, long cols) {
    Tensor p = Tensor::empty({tile_size(rows), cols}), dp = Tensor::empty(p.shape());
    Tensor scratch = Tensor::empty({kernels::entmax_scratch(cols)});
    const ConstView strip_q = part_of(own_q, first, p.dim(0)), strip_dy = part_of(own_dy, first, p.dim(0));
    kernels::gemm(strip_q, false, part_of(own_k, 0, cols), true, p.matrix(), false, factor());
    kernels::gemm(strip_dy, false, part_of(own_v, 0, cols), true, dp.matrix());
    for (long r = 0; r < p.dim(0); ++r) {
      Real *row = p.data() + r * cols, *drow = dp.data() + r * cols;
      const long seen = r < rows ? visible(first + r, n) : 0;
      drop(s, h, first + r, drow, seen);
      if (seen > 0) {
        const Real* kept = shifts.data() + shift_of(s, h, first + r);
        slopes.alpha.data()[h] += Real(
            kernels::entmax_backward(row, drow, seen, epsilon(h), double(kept[0]) + double(kept[1]), scratch.data()));
      }
      drop(s, h, first + r, row, seen);
      kernels::fill(row + seen, cols - seen, 0);
      kernels::fill(drow + seen, cols - seen, 0);
    }
    kernels::gemm(p.matrix(), true, strip_dy, false, part_of(dv, 0, cols), true);
    kernels::gemm(dp.matrix(), false, part_of(own_k, 0, cols), false, part_of(dq, first, p.dim(0)), true, factor());
    kernels::gemm(dp.matrix(), true, strip_q, false, part_of(dk, 0, cols), true, factor());
  });
  add_to_head(dq, slopes.q, at, n, h);
  add_to_head(dk, slopes.k, at, n, h);
  add_to_head(dv, slopes.v, at, n, h);
}

}  // namespace

Tensor entmax_attention(Tensor q, Tensor k, Tensor v, const Tensor& alpha, long head_count, bool causal,
                        const Dropout& site, const SequenceLayout& layout) {
  expect_steps(false, "entmax_attention");
  const long width = expect_attention(q, k, v, head_count, layout, layout, "entmax_attention");
  expect_input(alpha, {1, head_count}, "entmax_attention", "alpha");
  Tensor y = Tensor::empty(v.shape());
  EntmaxHeads heads{std::move(q), std::move(k), std::move(v), alpha,
                    head_count,   width,        causal,       training() && site.active(),
                    site,         layout};
  const auto each = [](const EntmaxHeads& all, auto visit) {
    const Uncounted padding;
    for (long s = 0; s < all.layout.count(); ++s)
      for (long h = 0; h < all.head_count; ++h) visit(s, h);
  };
  each(heads, [&](long s, long h) { heads.forward(s, h, y); });
  Context::current().work.flops += 4 * double(width) * heads.pairs();
  return record(std::move(y), [=](const Tensor& dy) {
    Slopes slopes{zeroed_gradient_sink(heads.q), zeroed_gradient_sink(heads.k), zeroed_gradient_sink(heads.v),
                  Tensor::zeros({1, heads.head_count})};
    each(heads, [&](long s, long h) { heads.backward(s, h, dy, slopes); });
    Context::current().work.flops += 8 * double(heads.width) * heads.pairs();
    accumulate_gradient(heads.alpha, std::move(slopes.alpha));
  });
}

}  // namespace lra::inline LRA_ENGINE
