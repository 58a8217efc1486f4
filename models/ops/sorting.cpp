/// Soft sorting: Sinkhorn normalisation to a doubly stochastic matrix, and mixing of blocks by it.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

Tensor flipped(const Tensor& x) {
  const long n = x.dim(0);
  Tensor y = Tensor::empty(x.shape());
  for (long u = 0; u < n; ++u)
    for (long v = 0; v < n; ++v) y.data()[v * n + u] = x.data()[u * n + v];
  return y;
}

/// out[u] = −log Σ_v exp(x[u][v] + shift[v]).
void minus_log_sums(const Tensor& x, const Real* shift, Real* out) {
  const long n = x.dim(0);
  Tensor row = Tensor::empty({n});
  for (long u = 0; u < n; ++u) {
    kernels::copy(x.data() + u * n, row.data(), n);
    kernels::add(shift, row.data(), n);
    const Real highest = *std::max_element(row.data(), row.data() + n);
    for (long v = 0; v < n; ++v) row.data()[v] -= highest;
    kernels::exponential(row.data(), row.data(), n);
    Real sum = 0;
    for (long v = 0; v < n; ++v) sum += row.data()[v];
    out[u] = -(highest + std::log(sum));
  }
}

/// exp(x[u][v] + f[u] + g[v]).
Tensor scaled_exponential(const Tensor& x, const Real* f, const Real* g) {
  const long n = x.dim(0);
  Tensor y = Tensor::copy_of(x);
  for (long u = 0; u < n; ++u) {
    Real* row = y.data() + u * n;
    for (long v = 0; v < n; ++v) row[v] += f[u] + g[v];
    kernels::exponential(row, row, n);
  }
  return y;
}

/// Shared by forward and backward of mix_blocks. A head's consecutive tokens are its blocks, as rows of block·D values;
/// the number of rows is rounded up to keep distinct products few.
struct Mixing {
  long tokens, blocks, block, slots, sums, heads, width;  // slots: tokens per mixed block, sums: number of mixed blocks
  long padded_blocks = (blocks + 15) / 16 * 16, padded_sums = (sums + 15) / 16 * 16;

  Tensor head_blocks(const Tensor& x, long h) const {
    Tensor y = Tensor::zeros({padded_blocks, block * width});
    for (long t = 0; t < tokens; ++t) kernels::copy(x.data() + (t * heads + h) * width, y.data() + t * width, width);
    return y;
  }
  Tensor head_weights(const Tensor& s, long h) const {
    Tensor y = Tensor::zeros({padded_sums, padded_blocks});
    for (long u = 0; u < sums; ++u)
      kernels::copy(s.data() + (u * heads + h) * blocks, y.data() + u * padded_blocks, blocks);
    return y;
  }
  /// Calls f(offset in the mixed blocks of a head, offset in the op's result) for every mixed token.
  template <typename F>
  void for_each_slot(long h, F f) const {
    for (long u = 0; u < sums; ++u)
      for (long t = 0; t < slots; ++t) f((u * block + t) * width, ((u * slots + t) * heads + h) * width);
  }
};

}  // namespace

Tensor sinkhorn(Tensor x, long iterations) {
  expect_matrix(x, "sinkhorn");
  const long n = x.dim(0);
  if (n < 1 || x.dim(1) != n || iterations < 1)
    fail("[sinkhorn] {} iterations on {}; it needs at least one iteration and a square matrix", iterations,
         x.shape().text());
  Tensor f = Tensor::empty({iterations, n}), g = Tensor::zeros({iterations + 1, n});  // g starts at 0
  const Tensor turned = flipped(x);
  for (long t = 0; t < iterations; ++t) {
    minus_log_sums(x, g.data() + t * n, f.data() + t * n);
    minus_log_sums(turned, f.data() + t * n, g.data() + (t + 1) * n);
  }
  Tensor y = scaled_exponential(x, f.data() + (iterations - 1) * n, g.data() + iterations * n);
  return record(std::move(y), [x = std::move(x), f, g, n, iterations](Tensor dy) {
    // The result is exp(x + f + g) for the last f and g; each is a negative log-sum-exp of x and its predecessor.
    Tensor p = scaled_exponential(x, f.data() + (iterations - 1) * n, g.data() + iterations * n);
    kernels::multiply(p.data(), dy.data(), n * n);
    Tensor df = Tensor::zeros({n}), dg = Tensor::zeros({n});
    const auto spread = [n](const Tensor& m, Real* rows, Real* cols) {
      for (long u = 0; u < n; ++u)
        for (long v = 0; v < n; ++v) {
          if (rows) rows[u] += m.data()[u * n + v];
          if (cols) cols[v] += m.data()[u * n + v];
        }
    };
    spread(dy, df.data(), dg.data());
    for (long t = iterations - 1; t >= 0; --t) {
      if (t < iterations - 1) p = scaled_exponential(x, f.data() + t * n, g.data() + (t + 1) * n);
      for (long u = 0; u < n; ++u)
        for (long v = 0; v < n; ++v) p.data()[u * n + v] *= -dg.data()[v];
      kernels::add(p.data(), dy.data(), n * n);
      spread(p, df.data(), nullptr);
      p = scaled_exponential(x, f.data() + t * n, g.data() + t * n);
      for (long u = 0; u < n; ++u) kernels::scale(p.data() + u * n, n, -df.data()[u]);
      kernels::add(p.data(), dy.data(), n * n);
      kernels::fill(df.data(), n, 0);
      kernels::fill(dg.data(), n, 0);
      spread(p, nullptr, dg.data());
    }
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor mix_blocks(Tensor s, Tensor x, long head_count, long block) {
  head_width(x, head_count, "mix_blocks");
  expect_matrix(s, "mix_blocks", "weights");
  if (block < 1) fail("[mix_blocks] blocks of {} rows of x {}; they must have at least 1", block, x.shape().text());
  const long n = x.dim(0), c = x.dim(1), blocks = n / block + (n % block != 0);
  expect_input(s, {s.dim(0), head_count * blocks}, "mix_blocks", "weights");
  const Mixing m{n, blocks, block, std::min(block, n), s.dim(0), head_count, c / head_count};
  Tensor y = Tensor::empty({m.sums * m.slots, c});
  {
    const Uncounted padding;
    for (long h = 0; h < head_count; ++h) {
      Tensor mixed = Tensor::empty({m.padded_sums, block * m.width});
      kernels::gemm(m.head_weights(s, h).matrix(), false, m.head_blocks(x, h).matrix(), false, mixed.matrix());
      m.for_each_slot(h, [&](long at, long to) { kernels::copy(mixed.data() + at, y.data() + to, m.width); });
    }
  }
  const double flops = 2 * double(m.sums) * double(n) * double(c);
  Context::current().work.flops += flops;
  return record(std::move(y), [s = std::move(s), x = std::move(x), m, flops](Tensor dy) {
    {
      const Uncounted padding;
      Tensor ds = zeroed_gradient_sink(s), dx = zeroed_gradient_sink(x);
      for (long h = 0; h < m.heads; ++h) {
        Tensor d_mixed = Tensor::zeros({m.padded_sums, m.block * m.width});
        m.for_each_slot(h, [&](long at, long from) { kernels::copy(dy.data() + from, d_mixed.data() + at, m.width); });
        Tensor d_weights = Tensor::empty({m.padded_sums, m.padded_blocks});
        kernels::gemm(d_mixed.matrix(), false, m.head_blocks(x, h).matrix(), true, d_weights.matrix());
        for (long u = 0; u < m.sums; ++u)
          kernels::add(d_weights.data() + u * m.padded_blocks, ds.data() + (u * m.heads + h) * m.blocks, m.blocks);
        Tensor d_blocks = Tensor::empty({m.padded_blocks, m.block * m.width});
        kernels::gemm(m.head_weights(s, h).matrix(), true, d_mixed.matrix(), false, d_blocks.matrix());
        for (long t = 0; t < m.tokens; ++t)
          kernels::add(d_blocks.data() + t * m.width, dx.data() + (t * m.heads + h) * m.width, m.width);
      }
    }
    Context::current().work.flops += 2 * flops;
  });
}

}  // namespace lra::inline LRA_ENGINE
