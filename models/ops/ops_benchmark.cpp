/// The speed of the fused ops on one sequence and one thread: GFLOP/s of the model's operations, forward without a tape
/// (`infer`) or forward and backward with a tape (`train`).
///
///   build/release/models/ops_benchmark --benchmark_filter=feed_forward
#include <benchmark/benchmark.h>

#include <functional>
#include <vector>

#include "models/ops/dplr_filters.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"
#include "models/tensor/context.h"

namespace lra {
namespace {

using State = benchmark::State;

/// Small numbers of both signs.
Tensor numbers(Shape shape) {
  Tensor x = Tensor::empty(shape);
  for (long i = 0; i < x.size(); ++i) x.data()[i] = Real((i * 37) % 101 - 50) / 100;
  return x;
}

Dropout tenth() {
  Dropout site;
  site.rate = 0.1;
  return site;
}

SequenceLayout one_sequence(long n) {
  SequenceLayout layout;
  layout.offsets = {0, n}, layout.sequences = {0}, layout.length = n;
  return layout;
}

using Op = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// One forward pass of `op`, and with a tape one backward pass.
void pass(const std::vector<Tensor>& inputs, const Op& op, bool train) {
  if (!train) {
    benchmark::DoNotOptimize(op(inputs).data());
    return;
  }
  const Training training;
  Tape tape({});
  std::vector<Tensor> watched;
  watched.reserve(inputs.size());
  for (const Tensor& x : inputs)
    watched.push_back(record(Tensor(x), [](Tensor dx) { benchmark::DoNotOptimize(dx.data()); }));
  const Tensor y = op(watched);
  accumulate_gradient(y, Tensor::copy_of(y));
  tape.backward();
}

void run(State& state, const std::vector<Tensor>& inputs, const Op& op, bool train) {
  pass(inputs, op, train);  // creates the primitives, allocates the memory
  Context::current().work.flops = 0;
  pass(inputs, op, train);
  const double flops = Context::current().work.flops;
  for (auto _ : state) pass(inputs, op, train);
  state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * flops, benchmark::Counter::kIsIterationInvariantRate);
}

/// Arguments: tokens, width. Heads have 32 features.
constexpr long kHeadWidth = 32;

void linear_op(State& state, bool train) {
  const long n = state.range(0), c = state.range(1);
  run(
      state, {numbers({n, c}), numbers({c, c}), numbers({c})},
      [](const std::vector<Tensor>& x) { return linear(x[0], x[1], x[2]); }, train);
}

void feed_forward_op(State& state, bool train) {
  const long n = state.range(0), c = state.range(1), f = 2 * c;
  const SequenceLayout layout = one_sequence(n);
  const Dropout site = tenth();
  run(
      state,
      {numbers({n, c}), numbers({f, c}), numbers({f}), numbers({c, f}), numbers({c}), numbers({c}), numbers({c})},
      [&](const std::vector<Tensor>& x) {
        return feed_forward(x[0], {x[1], x[2], x[3], x[4], x[5], x[6]}, site, site, layout);
      },
      train);
}

using Attention = Tensor (*)(Tensor q, Tensor k, Tensor v, long heads, const Dropout& site,
                             const SequenceLayout& layout);

void attention_op(State& state, Attention attention, bool train) {
  const long n = state.range(0), c = state.range(1);
  const SequenceLayout layout = one_sequence(n);
  const Dropout site = tenth();
  run(
      state, {numbers({n, c}), numbers({n, c}), numbers({n, c})},
      [&](const std::vector<Tensor>& x) { return attention(x[0], x[1], x[2], c / kHeadWidth, site, layout); }, train);
}

Tensor exact(Tensor q, Tensor k, Tensor v, long heads, const Dropout& site, const SequenceLayout& layout) {
  return softmax_attention(q, k, v, heads, Window::everything(), site, layout, layout);
}
Tensor blocks(Tensor q, Tensor k, Tensor v, long heads, const Dropout& site, const SequenceLayout& layout) {
  return softmax_attention(q, k, v, heads, Window::blocks(50), site, layout, layout);
}
Tensor textbook(Tensor q, Tensor k, Tensor v, long heads, const Dropout& site, const SequenceLayout& layout) {
  return materialized_attention(q, k, v, heads, Window::everything(), site, layout);
}
Tensor kernel(Tensor q, Tensor k, Tensor v, long heads, const Dropout&, const SequenceLayout& layout) {
  return kernel_attention(elu_plus_one(q), elu_plus_one(k), v, heads, 1e-6, layout);
}
/// Decays of each feature, or one per head, in both directions.
Tensor by_features(Tensor q, Tensor k, Tensor v, long heads, const Dropout&, const SequenceLayout& layout) {
  return decayed_attention(q, k, v, Tensor::full(q.shape(), Real(-0.01)), heads, layout, Direction::both);
}
Tensor by_heads(Tensor q, Tensor k, Tensor v, long heads, const Dropout&, const SequenceLayout& layout) {
  return decayed_attention(q, k, v, Tensor::full({1, heads}, Real(-0.01)), heads, layout, Direction::both);
}

/// The delta rule in both directions, with decays.
void delta_op(State& state, bool train) {
  const long n = state.range(0), c = state.range(1), heads = c / kHeadWidth;
  const SequenceLayout layout = one_sequence(n);
  Tensor keys = numbers({n, c});  // of norm at most 1
  for (long i = 0; i < keys.size(); ++i) keys.data()[i] /= 4;
  run(
      state,
      {numbers({n, c}), keys, numbers({n, c}), Tensor::full({n, heads}, Real(0.5)),
       Tensor::full({n, heads}, Real(-0.01))},
      [&](const std::vector<Tensor>& x) {
        return delta_attention(x[0], x[1], x[2], x[3], x[4], heads, layout, Direction::both);
      },
      train);
}

/// Both directions.
void long_convolution_op(State& state, bool train) {
  const long n = state.range(0), c = state.range(1);
  const SequenceLayout layout = one_sequence(n);
  run(
      state, {numbers({n, c}), numbers({n, c}), numbers({n, c})},
      [&](const std::vector<Tensor>& x) { return long_convolution(x[0], x[1], x[2], layout); }, train);
}

/// 32 pairs of states.
void state_space_op(State& state, bool train) {
  const long n = state.range(0), c = state.range(1);
  Tensor matrix = numbers({c, 64});
  for (long i = 0; i < matrix.size(); ++i) matrix.data()[i] = i % 64 < 32 ? -0.05f : matrix.data()[i];
  run(
      state, {matrix, Tensor::zeros({c, 1}), numbers({c, 64})},
      [&](const std::vector<Tensor>& x) { return state_space_filters(x[0], x[1], x[2], Discretisation::zoh, n); },
      train);
}

/// The same with a low-rank term.
void dplr_op(State& state, bool train) {
  const long n = state.range(0), c = state.range(1);
  Tensor matrix = numbers({c, 64});
  for (long i = 0; i < matrix.size(); ++i) matrix.data()[i] = i % 64 < 32 ? -0.05f : matrix.data()[i];
  run(
      state, {matrix, numbers({c, 64}), numbers({c, 64}), Tensor::zeros({c, 1}), numbers({c, 64})},
      [&](const std::vector<Tensor>& x) { return dplr_filters(x[0], x[1], x[2], x[3], x[4], n); }, train);
}

void scan_op(State& state, bool train) {
  const long n = state.range(0), c = state.range(1);
  const SequenceLayout layout = one_sequence(n);
  run(
      state, {Tensor::full({n, c}, Real(0.9)), numbers({n, c})},
      [&](const std::vector<Tensor>& x) { return gated_scan(x[0], x[1], layout); }, train);
}

/// 16 states per feature, in both directions.
void selective_scan_op(State& state, bool train) {
  const long n = state.range(0), c = state.range(1), m = 16;
  const SequenceLayout layout = one_sequence(n);
  Tensor rates = Tensor::empty({c, m});
  for (long i = 0; i < rates.size(); ++i) rates.data()[i] = Real(-1 - i % m);
  run(
      state, {numbers({n, c}), Tensor::full({n, c}, Real(0.02)), rates, numbers({n, m}), numbers({n, m})},
      [&](const std::vector<Tensor>& x) {
        return selective_scan(x[0], x[1], x[2], x[3], x[4], layout, Direction::both);
      },
      train);
}

/// `count` sequences that run together; the width is that of the states.
void cell_op(State& state, long count, bool train) {
  const long n = state.range(0), c = state.range(1);
  SequenceLayout layout = one_sequence(n);
  for (long s = 1; s < count; ++s) layout.offsets.push_back((s + 1) * n), layout.sequences.push_back(0);
  run(
      state, {numbers({count * n, 4 * c}), numbers({4 * c, c})},
      [&](const std::vector<Tensor>& x) { return lstm(x[0], x[1], layout); }, train);
}

void state_scan_op(State& state, bool train) {
  const long n = state.range(0), p = state.range(1);
  const SequenceLayout layout = one_sequence(n);
  Tensor matrix = numbers({1, 2 * p});
  for (long k = 0; k < p; ++k) matrix.data()[k] = -0.5f;
  run(
      state, {matrix, Tensor::full({1, p}, Real(-3)), numbers({n, 2 * p})},
      [&](const std::vector<Tensor>& x) { return state_scan(x[0], x[1], x[2], Discretisation::zoh, layout); }, train);
}

void sizes(benchmark::internal::Benchmark* each) {
  each->Args({1024, 64})->Args({4096, 64})->Args({1024, 256})->Unit(benchmark::kMicrosecond);
}
BENCHMARK_CAPTURE(linear_op, infer, false)->Apply(sizes);
BENCHMARK_CAPTURE(linear_op, train, true)->Apply(sizes);
BENCHMARK_CAPTURE(feed_forward_op, infer, false)->Apply(sizes);
BENCHMARK_CAPTURE(feed_forward_op, train, true)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, exact_infer, exact, false)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, exact_train, exact, true)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, textbook_infer, textbook, false)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, textbook_train, textbook, true)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, blocks_infer, blocks, false)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, blocks_train, blocks, true)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, kernel_infer, kernel, false)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, kernel_train, kernel, true)->Apply(sizes);
BENCHMARK_CAPTURE(long_convolution_op, infer, false)->Apply(sizes)->Args({4097, 64})->Args({16384, 64});
BENCHMARK_CAPTURE(long_convolution_op, train, true)->Apply(sizes)->Args({4097, 64})->Args({16384, 64});
BENCHMARK_CAPTURE(state_space_op, infer, false)->Apply(sizes);
BENCHMARK_CAPTURE(state_space_op, train, true)->Apply(sizes);
BENCHMARK_CAPTURE(dplr_op, infer, false)->Apply(sizes);
BENCHMARK_CAPTURE(dplr_op, train, true)->Apply(sizes);
BENCHMARK_CAPTURE(scan_op, infer, false)->Apply(sizes);
BENCHMARK_CAPTURE(scan_op, train, true)->Apply(sizes);
BENCHMARK_CAPTURE(selective_scan_op, infer, false)->Apply(sizes);
BENCHMARK_CAPTURE(selective_scan_op, train, true)->Apply(sizes);
BENCHMARK_CAPTURE(delta_op, infer, false)->Apply(sizes)->Args({16384, 64});
BENCHMARK_CAPTURE(delta_op, train, true)->Apply(sizes)->Args({16384, 64});
BENCHMARK_CAPTURE(cell_op, lstm_1_infer, 1, false)->Apply(sizes);
BENCHMARK_CAPTURE(cell_op, lstm_1_train, 1, true)->Apply(sizes);
BENCHMARK_CAPTURE(cell_op, lstm_16_train, 16, true)->Apply(sizes);
BENCHMARK_CAPTURE(state_scan_op, infer, false)->Apply(sizes);
BENCHMARK_CAPTURE(state_scan_op, train, true)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, decayed_by_features_infer, by_features, false)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, decayed_by_features_train, by_features, true)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, decayed_by_heads_infer, by_heads, false)->Apply(sizes);
BENCHMARK_CAPTURE(attention_op, decayed_by_heads_train, by_heads, true)->Apply(sizes);

}  // namespace
}  // namespace lra
