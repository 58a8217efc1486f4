/// Mega and its chunked form against the recurrences of the moving averages and explicit N×N weights.
#include <gtest/gtest.h>

#include "core/error.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }
double swish(double x) { return x * logistic(x); }
Dense mapped(Dense x, double (*f)(double)) {
  for (double& value : x.v) value = f(value);
  return x;
}

/// A trial whose parameters are all random, because most start so small that they would hide mistakes.
Trial random_trial(const std::string& model, const Json& settings, const std::vector<long>& lengths) {
  Trial trial(model, settings, lengths);
  Named values = trial.run.parameters;
  for (auto& [name, numbers] : values) {
    numbers = random_numbers(numbers.size(), name);
    for (double& value : numbers) value = double(float(0.5 * value));
  }
  trial.x = rounded(trial.x);
  trial.set(values);
  return trial;
}

/// The paper's equations for one block, from a trial's parameters.
struct DenseMega : DenseLayers {
  std::string mixer;
  long chunk;
  bool causal, laplace;

  DenseMega(const Trial& t, long layer, long size)
      : DenseLayers{t},
        mixer(std::to_string(layer) + ".mixer"),
        chunk(size),
        causal(t.c.settings.value("causal", false)),
        laplace(t.c.settings.value("attention", "softmax") == "laplace") {}

  // §3.1: u_j = β_j x, h_t = α∘u_t + (1 − α∘δ)∘h_{t−1}, y = η·h, from both ends; and ω∘x.
  Dense average(const Dense& x) const {
    const auto w = [&](const char* name) { return trial.weights(mixer + ".average." + name); };
    const Dense alpha = w("alpha"), delta = w("delta"), beta = w("beta"), eta = w("eta");
    Dense y = x;
    for (long c = 0; c < x.cols; ++c) {
      for (long t = 0; t < x.rows; ++t) y.at(t, c) *= vector(mixer + ".average.omega")[std::size_t(c)];
      for (long row = c; row < alpha.rows; row += x.cols)
        for (long m = 0; m < alpha.cols; ++m) {
          const double a = logistic(alpha.at(row, m)), d = logistic(delta.at(row, m));
          double h = 0;
          for (long step = 0; step < x.rows; ++step) {
            const long t = row == c ? step : x.rows - 1 - step;
            h = a * beta.at(row, m) * x.at(t, c) + (1 - a * d) * h;
            y.at(t, c) += eta.at(row, m) * h / std::sqrt(double(alpha.cols));
          }
        }
    }
    return mapped(y, swish);
  }

  Dense transformed(Dense z, const std::string& kind) const {
    for (long i = 0; i < z.rows; ++i)
      for (long c = 0; c < z.cols; ++c)
        z.at(i, c) = z.at(i, c) * vector(mixer + "." + kind + "_gamma")[std::size_t(c)] +
                     vector(mixer + "." + kind + "_beta")[std::size_t(c)];
    return z;
  }

  // §3.3: f(q·k/scale + b_{i−j})·v, with softmax, or laplace of mean √½ and variance 1/4π.
  Dense attend_within_chunks(const Dense& q, const Dense& k, const Dense& v) const {
    const Numbers& table = vector(mixer + ".distances");
    const long middle = long(table.size()) / 2;
    Dense y(q.rows, v.cols);
    for (long i = 0; i < q.rows; ++i) {
      const long first = i / chunk * chunk, end = causal ? i + 1 : std::min(first + chunk, q.rows);
      Numbers weights;
      double total = 0;
      for (long j = first; j < end; ++j) {
        double dot = 0;
        for (long c = 0; c < q.cols; ++c) dot += q.at(i, c) * k.at(j, c);
        const double score =
            dot / (laplace ? double(end - first) : std::sqrt(double(q.cols))) + table[std::size_t(middle + j - i)];
        const double deviation = std::sqrt(1 / (4 * M_PI));
        weights.push_back(laplace ? 0.5 * (1 + std::erf((score - std::sqrt(0.5)) / (deviation * std::sqrt(2.0))))
                                  : std::exp(score));
        total += weights.back();
      }
      for (long j = first; j < end; ++j)
        for (long c = 0; c < v.cols; ++c)
          y.at(i, c) += weights[std::size_t(j - first)] / (laplace ? 1 : total) * v.at(j, c);
    }
    return y;
  }

  // §3.2: y = u∘ĥ + (1 − u)∘x.
  Dense mix(const Dense& x, const Dense& normed) const {
    const Dense averaged = average(normed), z = mapped(affine(averaged, mixer + ".shared"), swish);
    Dense read = attend_within_chunks(transformed(z, "query"), transformed(z, "key"),
                                      mapped(affine(normed, mixer + ".value"), swish));
    const Dense reset = mapped(affine(averaged, mixer + ".reset"), swish);
    for (std::size_t i = 0; i < read.v.size(); ++i) read.v[i] *= reset.v[i];
    const Dense candidate =
        mapped(sum(affine(averaged, mixer + ".candidate"), project(read, trial.weights(mixer + ".out"))), swish);
    const Dense update = mapped(affine(averaged, mixer + ".update"), logistic);
    Dense y = x;
    for (std::size_t i = 0; i < y.v.size(); ++i) y.v[i] = update.v[i] * candidate.v[i] + (1 - update.v[i]) * x.v[i];
    return y;
  }
};

/// The stack, with chunks of this size.
Dense dense_stack(const Trial& trial, Dense x, long chunk) {
  const DenseLayers layers{trial};
  for (long l = 0; l < trial.c.layers; ++l) {
    const std::string path = std::to_string(l);
    x = DenseMega(trial, l, chunk).mix(x, layers.norm(x, path + ".mixer_norm"));
    x = DenseLayers::sum(x, layers.feed(layers.norm(x, path + ".feed_norm"), path + ".feed"));
  }
  return layers.norm(x, "norm");
}

void expect_equations(const std::string& model, const Json& settings, const std::vector<long>& lengths, long chunk) {
  const Trial trial = random_trial(model, settings, lengths);
  trial.expect_rows([&](const Dense& tokens) { return dense_stack(trial, tokens, chunk); });
  const MixerRun rough = f32::run_mixer(trial.c, trial.x, {}, trial.run.parameters);
  EXPECT_LT(relative_error(rough.result, trial.run.result), 1e-5) << settings;
}

TEST(Mega, EqualsItsEquations) {
  const Worker worker;
  for (const auto& lengths : kLengths)
    for (const char* attention : {"softmax", "laplace"})
      for (const bool causal : {false, true})
        expect_equations("mega", {{"attention", attention}, {"causal", causal}}, lengths, 1000);
}

TEST(Mega, OfOtherSizesEqualsItsEquations) {
  const Worker worker;
  expect_equations("mega", {{"states", 1}, {"shared", 5}, {"expand", 1}}, {5, 1, 9}, 1000);
}

TEST(MegaChunk, EqualsItsEquations) {
  const Worker worker;
  for (const auto& lengths : kLengths)
    for (const char* attention : {"softmax", "laplace"})
      for (const bool causal : {false, true})
        for (const long chunk : {1L, 7L, 64L})
          expect_equations("mega_chunk", {{"chunk", chunk}, {"attention", attention}, {"causal", causal}}, lengths,
                           chunk);
}

// Source: σ(−∞) = 0, and the rest of a block is then the feed-forward part.
TEST(Mega, WithClosedUpdateGatesPassesTokensOn) {
  Trial trial = random_trial("mega", {}, {20});
  Named values = trial.run.parameters;
  for (const char* layer : {"0", "1"}) {
    Numbers& bias = values.at(std::string(layer) + ".mixer.update.bias");
    bias.assign(bias.size(), -1e3);
  }
  trial.set(values);
  trial.expect_rows([&](Dense x) {
    const DenseLayers layers{trial};
    for (const std::string path : {"0", "1"})
      x = DenseLayers::sum(x, layers.feed(layers.norm(x, path + ".feed_norm"), path + ".feed"));
    return layers.norm(x, "norm");
  });
}

TEST(MegaChunk, DropsOtherWeightsInEachChunk) {
  MixerCase c;
  c.model = "mega_chunk", c.settings = {{"chunk", 8}, {"states", 1}}, c.lengths = {16}, c.attention_dropout = 0.5;
  c.width = c.qkv = 8, c.layers = 1;
  // Without moving averages, equal chunks differ by their random numbers only.
  Numbers x = random_numbers(8 * 8, "x");
  x.insert(x.end(), x.begin(), x.begin() + 64);
  Named values = f64::run_mixer(c, x, {}).parameters;
  for (auto& [name, numbers] : values)
    if (name.ends_with("average.eta")) numbers.assign(numbers.size(), 0);
  const Numbers y = f64::run_mixer(c, x, {}, values).result;
  EXPECT_FALSE(std::equal(y.begin(), y.begin() + 64, y.begin() + 64));
  c.training = false;
  const Numbers kept = f64::run_mixer(c, x, {}, values).result;
  EXPECT_LT(relative_error(Numbers(kept.begin(), kept.begin() + 64), Numbers(kept.begin() + 64, kept.end())), 1e-12);
}

TEST(Mega, RefusesOtherWeights) {
  MixerCase c;
  c.model = "mega", c.settings = {{"attention", "relu"}}, c.lengths = {3};
  EXPECT_THROW((void)f64::run_mixer(c, Numbers(24), Numbers(24)), Error);
}

}  // namespace
}  // namespace lra
