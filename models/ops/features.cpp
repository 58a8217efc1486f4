/// Positive random features of the softmax kernel, scaled so that nothing overflows and no denominator vanishes.
///
/// With a_jm = w_m·k'_j − ‖k'_j‖²/2 and b_im = w_m·q'_i, attention is Σ_j Σ_m e^{b_im + a_jm} v_j over the same sum
/// without v_j: it does not change when c_m is subtracted from every a_jm and added to every b_im, nor when d_i is
/// subtracted from every b_im. With c_m = max_j a_jm and d_i = max_m (b_im + c_m), all features are at most 1 and the
/// denominator of every query is at least 1, whatever the size of the inputs. A causal query must not depend on later
/// keys, so there c_m is a constant.
#include <algorithm>
#include <cmath>
#include <limits>

#include "models/ops/detail/head_view.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/detail/tile_size.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Causal keys stay below e^40: a_jm never exceeds ‖w_m‖²/2.
constexpr Real kHighest = 40;

struct Keys {
  Tensor features;  // (T,H·M)
  Tensor shift;     // c (S,H,M)
};

Real root_of_scale(long width) { return Real(1 / std::sqrt(std::sqrt(double(width)))); }

void fixed_shift(const Tensor& w, Real* shift) {
  kernels::row_dots(w.matrix(), w.matrix(), shift);
  for (long m = 0; m < w.dim(0); ++m) shift[m] = std::max<Real>(0, shift[m] / 2 - kHighest);
}

/// From dy, the gradient of the features y = exp(w·x' + …), adds to dx its part through the products with w. Overwrites
/// dy by dy∘y, whose sum per token it stores in `sums`.
void feature_backward(const ConstView& y, View dy, const Tensor& w, Real root, View dx, Real* sums) {
  by_token_tiles(y.rows, [&](long i, long rows) {
    kernels::multiply_rows(part_of(y, i, rows), part_of(dy, i, rows), sums + i);
    kernels::gemm(part_of(dy, i, rows), false, w.matrix(), false, part_of(dx, i, rows), true, root);
  });
}

Keys key_features(const Tensor& k, const Tensor& w, long head_count, bool causal, const SequenceLayout& layout) {
  const long m = w.dim(0), d = w.dim(1), tokens = layout.tokens();
  const Real root = root_of_scale(d);
  Tensor y = Tensor::empty({tokens, head_count * m}), shift = Tensor::empty({layout.count(), head_count, m});
  Tensor norms = Tensor::empty({tokens});
  for (long s = 0; s < layout.count(); ++s)
    for (long h = 0; h < head_count; ++h) {
      const long at = layout.begin(s), n = layout.size(s);
      const ConstView keys = head_view(k, at, n, h, d);
      const View place = head_view(y, at, n, h, m);
      Real* c = shift.data() + (s * head_count + h) * m;
      kernels::row_dots(keys, keys, norms.data());
      kernels::scale(norms.data(), n, root * root / 2);
      if (causal)
        fixed_shift(w, c);
      else
        kernels::fill(c, m, -std::numeric_limits<Real>::infinity());
      by_token_tiles(n, [&](long i, long rows) {
        kernels::gemm(part_of(keys, i, rows), false, w.matrix(), true, part_of(place, i, rows), false, root);
        if (!causal) kernels::column_maxima(norms.data() + i, part_of(place, i, rows), c);
      });
      kernels::exp_shifted(norms.data(), c, place);
    }
  y = record(y, [k, w, y, head_count, m, d, root](Tensor dy) {
    Tensor dk = zeroed_gradient_sink(k), sums = Tensor::empty({k.dim(0)});
    for (long h = 0; h < head_count; ++h) {
      feature_backward(head_view(y, 0, k.dim(0), h, m), head_view(dy, 0, k.dim(0), h, m), w, root,
                       head_view(dk, 0, k.dim(0), h, d), sums.data());
      const View place = head_view(dk, 0, k.dim(0), h, d);
      const ConstView keys = head_view(k, 0, k.dim(0), h, d);
      for (long i = 0; i < keys.rows; ++i)  // the term −‖k'‖²/2
        kernels::add_scaled(keys.data + i * keys.stride, -root * root * sums.data()[i], place.data + i * place.stride,
                            d);
    }
  });
  return {y, shift};
}

Tensor query_features(const Tensor& q, const Tensor& w, const Tensor& shift, long head_count,
                      const SequenceLayout& layout) {
  const long m = w.dim(0), d = w.dim(1);
  const Real root = root_of_scale(d);
  Tensor y = Tensor::empty({layout.tokens(), head_count * m});
  for (long s = 0; s < layout.count(); ++s)
    for (long h = 0; h < head_count; ++h) {
      const long at = layout.begin(s), n = layout.size(s);
      const View place = head_view(y, at, n, h, m);
      const ConstView queries = head_view(q, at, n, h, d);
      by_token_tiles(n, [&](long i, long rows) {
        kernels::gemm(part_of(queries, i, rows), false, w.matrix(), true, part_of(place, i, rows), false, root);
        kernels::exp_below_highest(shift.data() + (s * head_count + h) * m, part_of(place, i, rows));
      });
    }
  return record(y, [q, w, y, head_count, m, d, root](Tensor dy) {
    Tensor dq = zeroed_gradient_sink(q), sums = Tensor::empty({q.dim(0)});
    for (long h = 0; h < head_count; ++h)
      feature_backward(head_view(y, 0, q.dim(0), h, m), head_view(dy, 0, q.dim(0), h, m), w, root,
                       head_view(dq, 0, q.dim(0), h, d), sums.data());
  });
}

}  // namespace

Features softmax_features(const Tensor& q, const Tensor& k, const Tensor& w, long head_count, bool causal,
                          const SequenceLayout& layout) {
  expect_matrix(w, "softmax_features", "directions");
  head_width(q, head_count, "softmax_features", "queries");
  expect_input(q, {layout.tokens(), head_count * w.dim(1)}, "softmax_features", "queries");
  expect_input(k, q.shape(), "softmax_features", "keys");
  Keys keys = key_features(k, w, head_count, causal, layout);
  return {query_features(q, w, keys.shift, head_count, layout), std::move(keys.features)};
}

}  // namespace lra::inline LRA_ENGINE
