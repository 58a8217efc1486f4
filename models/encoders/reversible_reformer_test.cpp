/// Reversible layers against their equations, their gradients against plain backward, and their memory.
#include <gtest/gtest.h>

#include "models/layers/parameters.h"
#include "models/layers/reversible.h"
#include "models/ops/ops.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

Trial reversible(long count, const std::vector<long>& lengths, bool causal) {
  // One chunk: attention to all other tokens, whatever the hash.
  Trial trial("reversible_reformer", {{"chunk", 64}, {"causal", causal}}, lengths);
  trial.c.layers = count;
  trial.set({});
  return trial;
}

TEST(ReversibleReformer, EqualsItsTwoStreamsWrittenOut) {
  const auto weight = [](const double* a, const double* b, long width) {
    double ab = 0, bb = 1e-12;
    for (long d = 0; d < width; ++d) ab += a[d] * b[d], bb += b[d] * b[d];
    return std::exp(ab / std::sqrt(bb) / std::sqrt(double(width)));
  };
  for (const bool causal : {false, true})
    for (const auto& lengths : {std::vector<long>{1}, {2}, {5, 1, 9}, {60, 3}}) {
      const Trial trial = reversible(3, lengths, causal);
      const DenseLayers layers{trial};
      trial.expect_rows([&](const Dense& tokens) {
        Dense first = tokens, second = tokens;
        for (long l = 0; l < 3; ++l) {
          const std::string path = std::to_string(l);
          const Dense normed = layers.norm(second, path + ".mixer_norm");
          const Dense q = project(normed, trial.weights(path + ".mixer.query")),
                      v = project(normed, trial.weights(path + ".mixer.value"));
          // A token sees itself only where it sees no other.
          const Visible others = [&](long i, long j) {
            return i == j ? normed.rows == 1 || (causal && i == 0) : !causal || j < i;
          };
          first = DenseLayers::sum(
              first, project(attend(q, q, v, kHeads, weight, others), trial.weights(path + ".mixer.out")));
          second = DenseLayers::sum(second, layers.feed(layers.norm(first, path + ".feed_norm"), path + ".feed"));
        }
        Dense mean = DenseLayers::sum(first, second);
        for (double& value : mean.v) value /= 2;
        return layers.norm(mean, "norm");
      });
    }
}

TEST(ReversibleReformer, MemoryHardlyGrowsWithLayers) {
  const auto peak = [](const std::string& model, long layers) {
    MixerCase c;
    c.model = model, c.layers = layers, c.lengths = {512}, c.width = c.qkv = 16;
    if (model == "tokenlearner") c.settings = {{"before", layers}};  // all layers on the whole sequence
    const Numbers x = random_numbers(512 * 16, "x");
    return double(f64::run_mixer(c, x, x).peak_bytes);
  };
  const double two = peak("reversible_reformer", 2), eight = peak("reversible_reformer", 8);
  EXPECT_LT(eight, 1.2 * two);
  EXPECT_GT(peak("tokenlearner", 8), 2 * peak("tokenlearner", 2));  // it keeps the results of its layers
}

/// A pair of layers that can be evaluated by hand: f(x) = gelu(a ∘ x), g(x) = gelu(b ∘ x).
TEST(ReversibleMean, GivesTheGradientsOfPlainBackward) {
  constexpr long kRows = 5, kWidth = 4, kSize = kRows * kWidth;
  Parameters parameters(1);
  const ParameterScope scope(parameters, "");
  const Parameter a = scope.add("a", {kRows, kWidth}, Init::normal(1)),
                  b = scope.add("b", {kRows, kWidth}, Init::normal(1));
  const Coupling layer{[&](Tensor x) { return gelu(multiply(std::move(x), a)); },
                       [&](Tensor x) { return gelu(multiply(std::move(x), b)); }};
  const auto run = [&](const std::function<Tensor(const Tensor&)>& model) {
    std::vector<float> gradients(2 * kSize);
    Tensor dx, x = Tensor::empty({kRows, kWidth}), dy = Tensor::empty({kRows, kWidth});
    for (long i = 0; i < kSize; ++i) x.data()[i] = std::sin(float(i)), dy.data()[i] = std::cos(float(3 * i));
    Tape tape(gradients);
    const Tensor y = model(record(std::move(x), [&](Tensor gradient) { dx = std::move(gradient); }));
    Numbers all(y.data(), y.data() + kSize);
    accumulate_gradient(y, std::move(dy));
    tape.backward();
    all.insert(all.end(), dx.data(), dx.data() + kSize);
    all.insert(all.end(), gradients.begin(), gradients.end());
    return all;
  };
  const Numbers kept = run([&](const Tensor& x) {
    Tensor first = x, second = x;
    for (int l = 0; l < 3; ++l) {
      first = add(layer.f(second), first);
      second = add(layer.g(first), second);
    }
    return scale(add(first, second), 0.5);
  });
  EXPECT_LT(relative_error(run([&](const Tensor& x) {
                             return reversible_mean(x, {layer, layer, layer});
                           }),
                           kept),
            1e-6);
}

}  // namespace
}  // namespace lra
