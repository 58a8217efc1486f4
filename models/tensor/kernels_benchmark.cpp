/// The speed of each kernel on one thread, with data that stays in cache: GFLOP/s for products, billions of elements
/// per second for everything else.
///
///   build/release/models/kernels_benchmark --benchmark_filter=gelu
#include <benchmark/benchmark.h>

#include <vector>

#include "models/tensor/detail/kernels.h"
#include "models/tensor/memory.h"

namespace lra {
namespace {

using State = benchmark::State;

constexpr long kTokens = 256, kWidth = 64;  // one token tile of the small shape: 64 KiB
constexpr long kElements = kTokens * kWidth;

/// Small numbers of both signs.
std::vector<float> numbers(long n) {
  std::vector<float> values(static_cast<std::size_t>(n));
  for (long i = 0; i < n; ++i) values[std::size_t(i)] = float((i * 37) % 101 - 50) / 50;
  return values;
}

void count_elements(State& state, long elements) {
  state.counters["G/s"] = benchmark::Counter(1e-9 * double(elements), benchmark::Counter::kIsIterationInvariantRate);
}

// ---- products: rows, columns, depth ---------------------------------------------------------------------------------

void gemm(State& state, bool transpose_a, bool transpose_b) {
  const long m = state.range(0), n = state.range(1), k = state.range(2);
  const std::vector<float> a = numbers(m * k), b = numbers(k * n);
  std::vector<float> c(std::size_t(m * n));
  const ConstView av = transpose_a ? ConstView(a.data(), k, m, m) : ConstView(a.data(), m, k, k);
  const ConstView bv = transpose_b ? ConstView(b.data(), n, k, k) : ConstView(b.data(), k, n, n);
  kernels::gemm(av, transpose_a, bv, transpose_b, {c.data(), m, n, n});  // creates the primitives
  for (auto _ : state) kernels::gemm(av, transpose_a, bv, transpose_b, {c.data(), m, n, n});
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * double(m * n * k), benchmark::Counter::kIsIterationInvariantRate);
}

void products(benchmark::internal::Benchmark* each) {
  each->Args({2000, 512, 512})  // the reference for the machine's rate
      ->Args({256, 64, 64})     // a projection of a token tile, small shape
      ->Args({256, 1024, 256})  // its feed-forward part, LRA's Text shape
      ->Args({128, 128, 32});   // scores of an attention tile
}
BENCHMARK_CAPTURE(gemm, plain, false, false)->Apply(products);
BENCHMARK_CAPTURE(gemm, b_transposed, false, true)->Apply(products);
BENCHMARK_CAPTURE(gemm, a_transposed, true, false)->Apply(products);

// ---- element by element ---------------------------------------------------------------------------------------------

/// y = f(x), or y changed by x.
void map(State& state, void (*kernel)(const float*, float*, long)) {
  const std::vector<float> x = numbers(kElements);
  std::vector<float> y = x;
  for (auto _ : state) {
    kernel(x.data(), y.data(), kElements);
    benchmark::ClobberMemory();
  }
  count_elements(state, kElements);
}
BENCHMARK_CAPTURE(map, add, kernels::add);
BENCHMARK_CAPTURE(map, exponential, kernels::exponential);
BENCHMARK_CAPTURE(map, gelu, kernels::gelu);
BENCHMARK_CAPTURE(map, relu, kernels::relu);
BENCHMARK_CAPTURE(map, elu_plus_one, kernels::elu_plus_one);

void gelu_backward(State& state) {
  const std::vector<float> x = numbers(kElements);
  std::vector<float> dy(x.size());
  for (auto _ : state) {
    kernels::copy(x.data(), dy.data(), kElements);  // the kernel overwrites dy, which would soon become denormal
    kernels::gelu_backward(x.data(), dy.data(), kElements);
  }
  count_elements(state, kElements);
}
BENCHMARK(gelu_backward);

constexpr DropoutStream kDropout{{1, 2}, 3, 4, 6554};

void gelu_dropout(State& state, bool backward) {
  const std::vector<float> x = numbers(kElements);
  std::vector<float> y(x.size()), dy(x.size());
  for (auto _ : state) {
    if (backward) {
      kernels::copy(x.data(), dy.data(), kElements);  // the kernel overwrites it
      kernels::gelu_dropout_backward(&kDropout, 0, x.data(), y.data(), dy.data(), kElements);
    } else {
      kernels::gelu_dropout(&kDropout, 0, x.data(), y.data(), kElements);
    }
    benchmark::ClobberMemory();
  }
  count_elements(state, kElements);
}
BENCHMARK_CAPTURE(gelu_dropout, forward, false);
BENCHMARK_CAPTURE(gelu_dropout, backward, true);

void dropout(State& state) {
  std::vector<float> x = numbers(kElements);
  for (auto _ : state) kernels::dropout(kDropout, 0, x.data(), x.data(), kElements);
  count_elements(state, kElements);
}
BENCHMARK(dropout);

// ---- rows -----------------------------------------------------------------------------------------------------------

void layer_norm(State& state, bool backward) {
  const std::vector<float> x = numbers(kElements), gamma(kWidth, 1.0f), beta(kWidth);
  std::vector<float> y(x.size()), mean(kTokens), rstd(kTokens), dgamma(kWidth), dbeta(kWidth);
  kernels::layer_norm(x.data(), gamma.data(), beta.data(), kTokens, kWidth, 1e-6f, y.data(), mean.data(), rstd.data());
  for (auto _ : state) {
    if (backward)
      kernels::layer_norm_backward(x.data(), gamma.data(), mean.data(), rstd.data(), x.data(), kTokens, kWidth,
                                   y.data(), dgamma.data(), dbeta.data());
    else
      kernels::layer_norm(x.data(), gamma.data(), beta.data(), kTokens, kWidth, 1e-6f, y.data(), mean.data(),
                          rstd.data());
    benchmark::ClobberMemory();
  }
  count_elements(state, kElements);
}
BENCHMARK_CAPTURE(layer_norm, forward, false);
BENCHMARK_CAPTURE(layer_norm, backward, true);

void softmax(State& state) {
  std::vector<float> x = numbers(kElements);
  for (auto _ : state) kernels::softmax({x.data(), kTokens, kWidth, kWidth});
  count_elements(state, kElements);
}
BENCHMARK(softmax);

// ---- tiles of exact attention ---------------------------------------------------------------------------------------

void attention_tile(State& state, bool backward) {
  constexpr long kTile = 128;
  const DropoutStream* stream = state.range(0) ? &kDropout : nullptr;
  const std::vector<float> scores = numbers(kTile * kTile);
  const std::vector<long> begin(kTile, 0), end(kTile, kTile);
  std::vector<float> s(scores.size()), dp(scores.size()), max(kTile), sum(kTile), correction(kTile);
  for (auto _ : state) {
    kernels::copy(scores.data(), s.data(), kTile * kTile);  // the kernels overwrite it
    const View view{s.data(), kTile, kTile, kTile};
    if (backward)
      kernels::attention_backward_tile(view, {dp.data(), kTile, kTile, kTile}, begin.data(), end.data(), 0.125f,
                                       max.data(), sum.data(), stream, 0, kTile);
    else
      kernels::attention_forward_tile(view, begin.data(), end.data(), 0.125f, max.data(), sum.data(), correction.data(),
                                      stream, 0, kTile);
  }
  count_elements(state, kTile * kTile);
}
BENCHMARK_CAPTURE(attention_tile, forward, false)->ArgName("dropout")->Arg(0)->Arg(1);
BENCHMARK_CAPTURE(attention_tile, backward, true)->ArgName("dropout")->Arg(0)->Arg(1);

// ---- optimiser ------------------------------------------------------------------------------------------------------

constexpr long kKeys = 1024;

void entmax(State& state, double epsilon) {
  const std::vector<float> scores = numbers(kKeys);
  std::vector<float> z(scores.size()), scratch(std::size_t(kernels::entmax_scratch(kKeys)));
  for (auto _ : state) {
    z = scores;
    benchmark::DoNotOptimize(kernels::entmax(z.data(), kKeys, epsilon, scratch.data()));
  }
  count_elements(state, kKeys);
}
BENCHMARK_CAPTURE(entmax, softmax, 0.0);
BENCHMARK_CAPTURE(entmax, entmax_15, 0.5);
BENCHMARK_CAPTURE(entmax, sparsemax, 1.0);

void adam(State& state) {
  const kernels::AdamStep step{1e-3, 0.9, 0.98, 1e-9, 0, 0.1, 0.02, 1};
  const std::vector<float> gradient = numbers(kElements);
  std::vector<float> m(gradient.size()), v(gradient.size()), p = gradient;
  for (auto _ : state) kernels::adam(step, gradient.data(), m.data(), v.data(), p.data(), kElements);
  count_elements(state, kElements);
}
BENCHMARK(adam);

}  // namespace
}  // namespace lra
