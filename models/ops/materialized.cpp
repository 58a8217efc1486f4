/// Softmax attention that stores the probabilities of a whole sequence.
#include <cmath>

#include "models/ops/detail/head_view.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

View square(Tensor& x, long h) { return {x.data() + h * x.stride(0), x.dim(1), x.dim(2), x.dim(2)}; }
ConstView square(const Tensor& x, long h) { return {x.data() + h * x.stride(0), x.dim(1), x.dim(2), x.dim(2)}; }

void masked_softmax(View p, const Window& window) {
  for (long i = 0; i < p.rows; ++i) {
    Real* row = p.data + i * p.stride;
    const long first = window.first(i, p.cols), last = std::max(first, window.last(i, p.cols));
    kernels::fill(row, first, 0);
    kernels::softmax({row + first, 1, last - first, last - first});
    kernels::fill(row + last, p.cols - last, 0);
  }
}

/// Uses the dropout numbers of the tiled op: see attention.cpp.
void drop(const DropoutStream& stream, const SequenceLayout& layout, long h, const Tensor& from, Tensor& to) {
  const long n = from.dim(1);
  const std::uint64_t row_step = std::uint64_t((layout.length + 127) / 128 * 128);
  for (long i = 0; i < n; ++i) {
    const std::uint64_t first = (std::uint64_t(h) * std::uint64_t(layout.length) + std::uint64_t(i)) * row_step;
    const long at = h * from.stride(0) + i * n;
    kernels::dropout(stream, first, from.data() + at, to.data() + at, n);
  }
}

}  // namespace

Tensor materialized_attention(Tensor q, Tensor k, Tensor v, long head_count, const Window& window, const Dropout& site,
                              const SequenceLayout& layout) {
  expect_steps(false, "materialized_attention");
  const long width = expect_attention(q, k, v, head_count, layout, layout, "materialized_attention");
  expect_window(window, "materialized_attention");
  const Real factor = Real(1 / std::sqrt(double(width)));
  const bool drops = training() && site.active();
  Tensor y = Tensor::empty(q.shape());
  std::vector<Tensor> probabilities;
  for (long s = 0; s < layout.count(); ++s) {
    const long n = layout.size(s), at = layout.begin(s);
    Tensor p = Tensor::empty({head_count, n, n});
    for (long h = 0; h < head_count; ++h) {
      kernels::gemm(head_view(std::as_const(q), at, n, h, width), false, head_view(std::as_const(k), at, n, h, width),
                    true, square(p, h), false, factor);
      masked_softmax(square(p, h), window);
    }
    Tensor kept = drops ? Tensor::empty_like(p) : p;
    for (long h = 0; h < head_count; ++h) {
      if (drops) drop(site.stream(layout, s), layout, h, p, kept);
      kernels::gemm(square(std::as_const(kept), h), false, head_view(std::as_const(v), at, n, h, width), false,
                    head_view(y, at, n, h, width));
    }
    probabilities.push_back(std::move(p));
  }
  return record(std::move(y), [=, probabilities = std::move(probabilities)](Tensor dy) {
    Tensor dq = zeroed_gradient_sink(q), dk = zeroed_gradient_sink(k), dv = zeroed_gradient_sink(v);
    for (long s = 0; s < layout.count(); ++s) {
      const long n = layout.size(s), at = layout.begin(s);
      const Tensor& p = probabilities[std::size_t(s)];
      Tensor kept = drops ? Tensor::empty_like(p) : p, dp = Tensor::empty_like(p);
      for (long h = 0; h < head_count; ++h) {
        const ConstView d_out = head_view(std::as_const(dy), at, n, h, width);
        if (drops) drop(site.stream(layout, s), layout, h, p, kept);
        kernels::gemm(square(std::as_const(kept), h), true, d_out, false, head_view(dv, at, n, h, width), true);
        kernels::gemm(d_out, false, head_view(v, at, n, h, width), true, square(dp, h));
        if (drops) drop(site.stream(layout, s), layout, h, dp, dp);
        kernels::softmax_backward(square(p, h), square(dp, h));
        kernels::gemm(square(std::as_const(dp), h), false, head_view(k, at, n, h, width), false,
                      head_view(dq, at, n, h, width), true, factor);
        kernels::gemm(square(std::as_const(dp), h), true, head_view(q, at, n, h, width), false,
                      head_view(dk, at, n, h, width), true, factor);
      }
    }
  });
}

}  // namespace lra::inline LRA_ENGINE
