#include <map>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// `count` rows of x (T,C) from row `begin` on; an undefined x has none.
View rows_of(Tensor& x, long begin, long count) {
  if (!x.defined()) return {nullptr, 0, 0, 0};
  return {x.data() + begin * x.dim(1), count, x.dim(1), x.dim(1)};
}
ConstView rows_of(const Tensor& x, long begin, long count) {
  if (!x.defined()) return {nullptr, 0, 0, 0};
  return {x.data() + begin * x.dim(1), count, x.dim(1), x.dim(1)};
}

void expect_taps(const Tensor& taps, const Tensor& x, const SequenceLayout& layout, const char* input) {
  expect_matrix(taps, "long_convolution", input);
  if (taps.dim(1) != x.dim(1) || taps.dim(0) < layout.longest())
    fail("[long_convolution] {} of shape {} do not fit x {} with a sequence of {} tokens", input, taps.shape().text(),
         x.shape().text(), layout.longest());
}

/// The operations of transforming n rows of c features, by the usual count for a complex transform.
double transform_flops(long n, long c) {
  const double points = double(kernels::transform_length(n));
  return 5 * points * std::log2(points) * double(c);
}
double product_flops(long n, long c) { return 6 * double(kernels::transform_length(n)) * double(c); }

}  // namespace

// Each sequence has the filter of its own length, without taps that it does not reach, so that its bits do not depend
// on longer sequences. Sequences of the same length share one.
Tensor long_convolution(const Tensor& x, const Tensor& after, const Tensor& before, const SequenceLayout& layout) {
  expect_steps(false, "long_convolution");
  expect_packed(x, layout, "long_convolution");
  expect_taps(after, x, layout, "taps");
  if (before.defined()) expect_taps(before, x, layout, "taps before");
  const long c = x.dim(1);
  Work& work = Context::current().work;
  std::map<long, Tensor> filters;
  Tensor y = Tensor::empty(x.shape());
  Tensor scratch = Tensor::empty({kernels::convolution_scratch(layout.longest())});
  for (long s = 0; s < layout.count(); ++s) {
    const long n = layout.size(s);
    Tensor& filter = filters[n];
    if (!filter.defined()) {
      filter = Tensor::empty({kernels::filter_size(n, c)});
      kernels::make_filter(rows_of(after, 0, n), rows_of(before, 0, n - 1), filter.data());
      work.flops += transform_flops(n, c);
    }
    kernels::convolve(filter.data(), rows_of(x, layout.begin(s), n), rows_of(y, layout.begin(s), n), scratch.data());
    work.flops += 2 * transform_flops(n, c) + product_flops(n, c);
  }
  return record(std::move(y), [x, after = after.without_data(), before = before.without_data(), layout, c,
                               filters = std::move(filters)](Tensor dy) {
    Work& counted = Context::current().work;
    Tensor dx = zeroed_gradient_sink(x), dafter = zeroed_gradient_sink(after), dbefore;
    if (before.shape().rank() > 0) dbefore = zeroed_gradient_sink(before);
    Tensor scratch_of_both = Tensor::empty({kernels::convolution_scratch(layout.longest())});
    for (const auto& [n, filter] : filters) {
      Tensor dfilter = Tensor::zeros(filter.shape());
      for (long s = 0; s < layout.count(); ++s) {
        if (layout.size(s) != n) continue;
        const long at = layout.begin(s);
        kernels::convolve_backward(filter.data(), rows_of(x, at, n), rows_of(std::as_const(dy), at, n),
                                   rows_of(dx, at, n), dfilter.data(), scratch_of_both.data());
        counted.flops += 3 * transform_flops(n, c) + 2 * product_flops(n, c);
      }
      kernels::filter_gradient(dfilter.data(), rows_of(dafter, 0, n), rows_of(dbefore, 0, n - 1));
      counted.flops += transform_flops(n, c);
    }
  });
}

Tensor long_convolution(const Tensor& x, const Tensor& filters, const SequenceLayout& layout) {
  const long width = x.dim(1);
  if (filters.dim(1) == width) return long_convolution(x, filters, {}, layout);
  const Tensor after = head_columns(filters, 1, 0, width), before = head_columns(filters, 1, width, width);
  return long_convolution(x, after, before, layout);
}

}  // namespace lra::inline LRA_ENGINE
