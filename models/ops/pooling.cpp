/// Pooling of neighbouring tokens: weighted sums and maxima.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// The tokens of one pool: `count` rows from `first`, at positions `slot` onwards of its kernel.
struct Pool {
  long number, first, slot, count;
};

template <typename Visit>
void for_each_pool(const SequenceLayout& layout, long kernel, long stride, Visit visit) {
  long number = 0;
  for (long s = 0; s < layout.count(); ++s)
    for (long middle = 0; middle < layout.size(s); middle += stride) {
      const long begin = middle - kernel / 2, first = std::max(0L, begin);
      visit(Pool{number++, layout.begin(s) + first, first - begin, std::min(layout.size(s), begin + kernel) - first});
    }
}

void softmax_in_place(Real* x, long n) {
  const Real highest = *std::max_element(x, x + n);
  Real sum = 0;
  for (long i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - highest);
  kernels::scale(x, n, 1 / sum);
}

void expect_pools(const Tensor& x, long kernel, const SequenceLayout& layout, const char* op) {
  expect_packed(x, layout, op);
  if (kernel < 1) fail("[{}] pools of {} tokens of x {}; they must have at least 1", op, kernel, x.shape().text());
}

}  // namespace

SequenceLayout pools_of(const SequenceLayout& layout, long stride) {
  if (stride < 1) fail("[pools_of] pools with a stride of {} tokens; it must be at least 1", stride);
  SequenceLayout pools = layout;
  for (long s = 0; s < layout.count(); ++s)
    pools.offsets[std::size_t(s) + 1] = pools.begin(s) + (layout.size(s) + stride - 1) / stride;
  pools.length = (layout.length + stride - 1) / stride;
  return pools;
}

Tensor pool_rows(Tensor x, const Tensor& scores, long kernel, long stride, const SequenceLayout& layout) {
  expect_steps(false, "pool_rows");
  expect_pools(x, kernel, layout, "pool_rows");
  const long c = x.dim(1), pools = pools_of(layout, stride).tokens();
  if (scores.defined()) expect_input(scores, {pools, kernel}, "pool_rows", "scores");
  Tensor y = Tensor::zeros({pools, c}), weights = Tensor::zeros({pools, kernel});
  for_each_pool(layout, kernel, stride, [&](const Pool& pool) {
    Real* own = weights.data() + pool.number * kernel + pool.slot;
    if (scores.defined()) kernels::copy(scores.data() + pool.number * kernel + pool.slot, own, pool.count);
    softmax_in_place(own, pool.count);
    for (long t = 0; t < pool.count; ++t)
      kernels::add_scaled(x.data() + (pool.first + t) * c, own[t], y.data() + pool.number * c, c);
  });
  return record(std::move(y), [=, x = std::move(x)](Tensor dy) {
    Tensor dx = zeroed_gradient_sink(x), d_scores = scores.defined() ? zeroed_gradient_sink(scores) : Tensor();
    Tensor products = Tensor::empty({kernel});
    for_each_pool(layout, kernel, stride, [&](const Pool& pool) {
      const Real* own = weights.data() + pool.number * kernel + pool.slot;
      const Real* gradient = dy.data() + pool.number * c;
      for (long t = 0; t < pool.count; ++t) kernels::add_scaled(gradient, own[t], dx.data() + (pool.first + t) * c, c);
      if (!d_scores.defined()) return;
      kernels::row_dots({x.data() + pool.first * c, pool.count, c, c}, {gradient, pool.count, c, 0}, products.data());
      Real mean = 0;
      for (long t = 0; t < pool.count; ++t) mean += own[t] * products.data()[t];
      for (long t = 0; t < pool.count; ++t)
        d_scores.data()[pool.number * kernel + pool.slot + t] += own[t] * (products.data()[t] - mean);
    });
  });
}

Tensor pool_maxima(const Tensor& x, long kernel, long stride, const SequenceLayout& layout) {
  expect_steps(false, "pool_maxima");
  expect_pools(x, kernel, layout, "pool_maxima");
  const long c = x.dim(1), pools = pools_of(layout, stride).tokens();
  Tensor y = Tensor::empty({pools, c});
  std::vector<long> from(std::size_t(pools * c));  // row of each maximum
  for_each_pool(layout, kernel, stride, [&](const Pool& pool) {
    for (long i = 0; i < c; ++i) {
      long best = pool.first;
      for (long t = pool.first; t < pool.first + pool.count; ++t)
        if (x.data()[t * c + i] > x.data()[best * c + i]) best = t;
      from[std::size_t(pool.number * c + i)] = best;
      y.data()[pool.number * c + i] = x.data()[best * c + i];
    }
  });
  return record(std::move(y), [x = x.without_data(), from = std::move(from), c](Tensor dy) {
    Tensor dx = zeroed_gradient_sink(x);
    for (std::size_t e = 0; e < from.size(); ++e) dx.data()[from[e] * c + long(e) % c] += dy.data()[e];
  });
}

}  // namespace lra::inline LRA_ENGINE
