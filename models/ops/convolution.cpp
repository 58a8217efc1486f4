#include <algorithm>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Tap t of w (G,taps), expanded to c features.
Tensor tap_row(const Tensor& w, long t, long c) {
  const long width = c / w.dim(0);
  Tensor y = Tensor::empty({c});
  for (long g = 0; g < w.dim(0); ++g) kernels::fill(y.data() + g * width, width, w.data()[g * w.dim(1) + t]);
  return y;
}

/// Calls visit(row of the result, row of the input) for each pair of rows in which the input is `ahead` rows later.
template <typename Visit>
void by_pairs(const SequenceLayout& layout, long ahead, Visit visit) {
  for (long s = 0; s < layout.count(); ++s)
    for (long i = std::max(0L, -ahead); i < std::min(layout.size(s), layout.size(s) - ahead); ++i)
      visit(layout.begin(s) + i, layout.begin(s) + i + ahead);
}

/// Adds what the rows before the pass's contribute, and keeps the last ones, as many as a filter reaches back to.
void add_carried(const Tensor& x, const Tensor& w, const SequenceLayout& layout, Tensor& y) {
  const long c = x.dim(1), before = w.dim(1) - 1;
  for (long s = 0; s < layout.count(); ++s) {
    Tensor past = carried_state({before, c});
    const long at = layout.begin(s), n = layout.size(s), kept = std::max(0L, before - n);
    for (long t = 0; t < before; ++t) {
      const Tensor factor = tap_row(w, t, c);
      for (long i = 0; i < std::min(n, before - t); ++i)
        kernels::multiply_add(past.data() + (i + t) * c, factor.data(), y.data() + (at + i) * c, c);
    }
    std::copy(past.data() + (before - kept) * c, past.data() + before * c, past.data());
    kernels::copy(x.data() + (at + n - (before - kept)) * c, past.data() + kept * c, (before - kept) * c);
  }
}

}  // namespace

Tensor depthwise_convolution(Tensor x, const Tensor& w, const SequenceLayout& layout, bool causal) {
  expect_packed(x, layout, "depthwise_convolution");
  expect_matrix(w, "depthwise_convolution", "weights");
  const long c = x.dim(1), taps = w.dim(1);
  if (taps < 1 || (!causal && taps % 2 == 0) || w.dim(0) < 1 || c % w.dim(0) != 0)
    fail("[depthwise_convolution] weights {} do not fit x {}", w.shape().text(), x.shape().text());
  expect_steps(causal, "depthwise_convolution", kSeesLaterTokens);
  const long before = causal ? taps - 1 : taps / 2;
  Tensor y = Tensor::zeros(x.shape());
  if (stepping() && before > 0) add_carried(x, w, layout, y);
  double pairs = 0;
  for (long t = 0; t < taps; ++t) {
    const Tensor factor = tap_row(w, t, c);
    by_pairs(layout, t - before, [&](long to, long from) {
      kernels::multiply_add(x.data() + from * c, factor.data(), y.data() + to * c, c);
      ++pairs;
    });
  }
  Context::current().work.flops += 2 * double(c) * pairs;
  return record(std::move(y), [x = std::move(x), w, layout, c, taps, before, pairs](Tensor dy) {
    const long width = c / w.dim(0);
    Tensor dx = zeroed_gradient_sink(x), dw = zeroed_gradient_sink(w);
    for (long t = 0; t < taps; ++t) {
      const Tensor factor = tap_row(w, t, c);
      Tensor sums = Tensor::zeros({c});
      by_pairs(layout, t - before, [&](long to, long from) {
        kernels::multiply_add(dy.data() + to * c, factor.data(), dx.data() + from * c, c);
        kernels::multiply_add(dy.data() + to * c, x.data() + from * c, sums.data(), c);
      });
      for (long i = 0; i < c; ++i) dw.data()[i / width * taps + t] += sums.data()[i];
    }
    Context::current().work.flops += 4 * double(c) * pairs;
  });
}

}  // namespace lra::inline LRA_ENGINE
