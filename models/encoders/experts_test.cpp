/// Mixtures of experts against their equations, token by token.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/tensor/detail/onednn.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

/// Row i of x.
Dense row_of(const Dense& x, long i) {
  return {1, x.cols, Numbers(x.v.begin() + i * x.cols, x.v.begin() + (i + 1) * x.cols)};
}

/// softmax(x·Wᵀ), row by row.
Dense routed(const Dense& x, const Dense& router) {
  Dense p = project(x, router);
  for (long i = 0; i < p.rows; ++i) {
    double total = 0;
    for (long e = 0; e < p.cols; ++e) total += p.at(i, e) = std::exp(p.at(i, e));
    for (long e = 0; e < p.cols; ++e) p.at(i, e) /= total;
  }
  return p;
}

/// The experts of one row, best first.
std::vector<long> ranking(const Dense& p, long i) {
  std::vector<long> order(static_cast<std::size_t>(p.cols));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](long a, long b) { return p.at(i, a) > p.at(i, b); });
  return order;
}

using Feed = std::function<Dense(const Dense& x, const std::string& path)>;

/// The routing of a mixture.
struct Mixture {
  long choices;
  bool renormalised;
  double capacity;     // of an expert: this times choices · n / E, clipped to 4 … n
  bool second = true;  // whether second experts are used
  bool causal = false;
};

struct Mixed {
  Dense y;
  long dropped = 0;
  double balance = 0;  // E Σ f_e P_e
};

Mixed mix(const DenseLayers& layers, const Dense& x, const std::string& path, const Mixture& mixture,
          const Feed& expert) {
  const Dense p = routed(x, layers.trial.weights(path + ".router"));
  const long n = x.rows, count = p.cols, k = std::min(mixture.choices, count);
  const long capacity =
      std::clamp(long(std::floor(mixture.capacity * double(mixture.choices * n) / double(count))), std::min(4L, n), n);
  Mixed mixed{Dense(n, x.cols)};
  std::map<long, long> taken;
  const auto choose = [&](long i, long j) {  // token i, its choice j
    const std::vector<long> best = ranking(p, i);
    const long e = best[std::size_t(j)];
    if (j > 0 && !mixture.second) return;
    if (taken[e]++ >= capacity) {
      ++mixed.dropped;
      return;
    }
    double gate = p.at(i, e), total = 0;
    for (long other = 0; other < k; ++other) total += p.at(i, best[std::size_t(other)]);
    if (mixture.renormalised) gate /= total;
    const Dense y = expert(row_of(x, i), path + "." + std::to_string(e));
    for (long c = 0; c < x.cols; ++c) mixed.y.at(i, c) += gate * y.at(0, c);
  };
  if (mixture.causal)
    for (long i = 0; i < n; ++i)
      for (long j = 0; j < k; ++j) choose(i, j);
  else
    for (long j = 0; j < k; ++j)
      for (long i = 0; i < n; ++i) choose(i, j);
  for (long e = 0; e < count; ++e) {
    double f = 0, mean = 0;
    for (long i = 0; i < n; ++i) {
      f += double(ranking(p, i)[0] == e) / double(n);
      mean += p.at(i, e) / double(n);
    }
    mixed.balance += double(count) * f * mean;
  }
  return mixed;
}

/// The states after `count` blocks of Switch or GShard and the norm, with the statistics of routing.
Mixed stack(const DenseLayers& layers, Dense x, long count, const Mixture& mixture) {
  Mixed all{Dense(0, 0)};
  for (long b = 0; b < count; ++b) {
    const std::string path = std::to_string(b);
    const Dense normed = layers.norm(x, path + ".mixer_norm");
    x = DenseLayers::sum(
        x, layers.attention(normed, normed, path + ".mixer", layers.trial.c.heads, visible_if(mixture.causal)));
    const Dense into = layers.norm(x, path + ".feed_norm");
    if (b % 2 == 1) {
      x = DenseLayers::sum(x, layers.feed(into, path + ".feed"));
      continue;
    }
    const Mixed mixed = mix(layers, into, path + ".feed", mixture,
                            [&](const Dense& row, const std::string& expert) { return layers.feed(row, expert); });
    x = DenseLayers::sum(x, mixed.y);
    all.dropped += mixed.dropped;
    all.balance += mixed.balance;
  }
  all.y = layers.norm(x, "norm");
  return all;
}

/// A trial of `count` blocks whose routers clearly prefer some experts.
Trial with_blocks(const std::string& model, Json settings, std::vector<long> lengths, long count, bool training) {
  Trial trial(model, std::move(settings), std::move(lengths));
  trial.c.layers = count, trial.c.training = training;
  trial.set({});
  Named routers;
  for (const auto& [name, values] : trial.run.parameters)
    if (name.ends_with("router")) routers[name] = random_numbers(values.size(), name);
  trial.set(routers);
  return trial;
}

/// Compares `model` with the stack in training and evaluation; checks its auxiliary loss and that tokens were dropped.
void expect_stack(const std::string& model, const Json& settings, const Mixture& training, const Mixture& evaluation) {
  for (const bool is_training : {true, false}) {
    long dropped = 0;
    for (const auto& lengths : kLengths) {
      const Trial trial = with_blocks(model, settings, lengths, 3, is_training);
      const DenseLayers layers{trial};
      double balance = 0;
      trial.expect_rows([&](const Dense& tokens) {
        const Mixed mixed = stack(layers, tokens, 3, is_training ? training : evaluation);
        dropped += mixed.dropped;
        balance += mixed.balance;
        return mixed.y;
      });
      if (is_training) {
        EXPECT_NEAR(trial.run.auxiliary, 0.01 * balance, 1e-12 * balance);
        EXPECT_NEAR(trial.run.sums.at("0.feed.balance")[0] + trial.run.sums.at("2.feed.balance")[0], balance,
                    1e-12 * balance);
      }
    }
    EXPECT_GT(dropped, 0) << "the case should have experts that are full";
  }
}

TEST(Switch, EqualsItsExpertsTokenByToken) {
  expect_stack("switch", {{"experts", 5}, {"capacity", 1.25}, {"eval_capacity", 1.5}, {"jitter", 0.0}},
               {1, false, 1.25}, {1, false, 1.5});
  expect_stack("switch",
               {{"experts", 5}, {"capacity", 1.25}, {"eval_capacity", 1.5}, {"jitter", 0.0}, {"causal", true}},
               {1, false, 1.25, true, true}, {1, false, 1.5, true, true});
}

TEST(Switch, WithOneExpertIsTheTransformer) {
  for (const auto& lengths : kLengths) {  // jitter has no effect without a choice
    const Trial trial = with_blocks("switch", {{"experts", 1}, {"jitter", 0.5}}, lengths, 1, true);
    const DenseLayers layers{trial};
    trial.expect_rows([&](const Dense& tokens) {
      const Dense normed = layers.norm(tokens, "0.mixer_norm");
      const Dense mixed = DenseLayers::sum(tokens, layers.attention(normed, normed, "0.mixer", 3));
      return layers.norm(DenseLayers::sum(mixed, layers.feed(layers.norm(mixed, "0.feed_norm"), "0.feed.0")), "norm");
    });
    EXPECT_NEAR(trial.run.auxiliary, 0.01 * double(lengths.size()), 1e-14);
  }
}

TEST(Switch, AnExpertTakesTheFirstTokensAndTheLossIsItsWeightWhereProbabilitiesAreEven) {
  Trial trial = with_blocks("switch", {{"experts", 8}}, {64, 6}, 1, true);
  trial.set({{"0.feed.router", Numbers(8 * 12)}});  // all tokens choose the first expert
  EXPECT_NEAR(trial.run.sums.at("0.feed.dropped")[0], 54.0 / 64 + 2.0 / 6, 1e-14);  // capacities ⌊1.25 · 8⌋ and 4
  EXPECT_NEAR(trial.run.auxiliary, 2 * 0.01, 1e-14);
  const DenseLayers layers{trial};
  trial.expect_rows([&](const Dense& tokens) {
    const Dense normed = layers.norm(tokens, "0.mixer_norm");
    Dense x = DenseLayers::sum(tokens, layers.attention(normed, normed, "0.mixer", 3));
    const Dense fed = layers.feed(layers.norm(x, "0.feed_norm"), "0.feed.0");
    for (long i = 0; i < (tokens.rows == 64 ? 10 : 4); ++i)
      for (long c = 0; c < x.cols; ++c) x.at(i, c) += fed.at(i, c) / 8;
    return layers.norm(x, "norm");
  });
}

TEST(Switch, MoreExpertsCostTheRouterOnly) {
  const Worker worker;
  const auto flops = [](long experts) {
    Trial trial("switch", {{"experts", experts}, {"capacity", 100.0}}, {130, 3});
    return f32::run_mixer(trial.c, trial.x, trial.x).flops;
  };
  EXPECT_EQ(flops(32) - flops(8), 2.0 * 133 * 12 * (32 - 8));
  EXPECT_LT(flops(32), 1.2 * flops(8));
}

TEST(GShard, EqualsItsExpertsTokenByToken) {
  expect_stack("gshard", {{"experts", 5}, {"capacity", 0.9}, {"eval_capacity", 1.1}, {"drop_second", false}},
               {2, true, 0.9}, {2, true, 1.1});
  expect_stack("gshard",
               {{"experts", 5}, {"capacity", 0.9}, {"eval_capacity", 1.1}, {"drop_second", false}, {"causal", true}},
               {2, true, 0.9, true, true}, {2, true, 1.1, true, true});
}

TEST(GShard, WithTwoExpertsAndRoomIsTheirMixture) {
  const Trial trial =
      with_blocks("gshard", {{"experts", 2}, {"capacity", 10.0}, {"drop_second", false}}, {40, 1, 7}, 1, true);
  const DenseLayers layers{trial};
  trial.expect_rows([&](const Dense& tokens) {
    const Dense normed = layers.norm(tokens, "0.mixer_norm");
    Dense x = DenseLayers::sum(tokens, layers.attention(normed, normed, "0.mixer", 3));
    const Dense into = layers.norm(x, "0.feed_norm"), p = routed(into, trial.weights("0.feed.router"));
    for (const long e : {0, 1}) {
      const Dense fed = layers.feed(into, "0.feed." + std::to_string(e));
      for (long i = 0; i < x.rows; ++i)
        for (long c = 0; c < x.cols; ++c) x.at(i, c) += p.at(i, e) * fed.at(i, c);
    }
    return layers.norm(x, "norm");
  });
}

TEST(GShard, KeepsSecondExpertsWithTwiceTheirGateAsProbability) {
  const Trial trial = with_blocks("gshard", {{"experts", 4}, {"capacity", 10.0}}, {400}, 1, true);
  const DenseLayers layers{trial};
  const Dense tokens(400, 12, trial.x), result(400, 12, trial.run.result);
  const Dense with = stack(layers, tokens, 1, {2, true, 10, true}).y;
  const Dense without = stack(layers, tokens, 1, {2, true, 10, false}).y;
  const Dense normed = layers.norm(tokens, "0.mixer_norm");
  const Dense x = DenseLayers::sum(tokens, layers.attention(normed, normed, "0.mixer", 3));
  const Dense p = routed(layers.norm(x, "0.feed_norm"), trial.weights("0.feed.router"));
  double kept = 0, expected = 0, variance = 0;
  for (long i = 0; i < 400; ++i) {
    const double to_with = relative_error(row_of(result, i).v, row_of(with, i).v);
    const double to_without = relative_error(row_of(result, i).v, row_of(without, i).v);
    ASSERT_LT(std::min(to_with, to_without), 1e-10) << i;
    const std::vector<long> best = ranking(p, i);
    const double gate = p.at(i, best[1]) / (p.at(i, best[0]) + p.at(i, best[1])), share = std::min(1.0, 2 * gate);
    kept += double(to_with < to_without);
    expected += share;
    variance += share * (1 - share);
  }
  EXPECT_NEAR(kept, expected, 4 * std::sqrt(variance));
  EXPECT_GT(variance, 10);
}

// GLaM: the lower bounds of the classes of distances by T5's rule: one class per distance below 8, then eight classes
// whose bounds grow by the eighth root of 16, up to 128.
constexpr long kClassStarts[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91};

long class_of(long key_less_query) {
  long which = 15;
  while (kClassStarts[which] > std::abs(key_less_query)) --which;
  return which + (key_less_query > 0 ? 16 : 0);
}

Dense rms(Dense x, const Numbers& gamma) {
  for (long i = 0; i < x.rows; ++i) {
    double square = 0;
    for (long c = 0; c < x.cols; ++c) square += x.at(i, c) * x.at(i, c) / double(x.cols);
    for (long c = 0; c < x.cols; ++c) x.at(i, c) *= gamma[std::size_t(c)] / std::sqrt(square + 1e-6);
  }
  return x;
}

Dense glam_attention(const Trial& trial, const Dense& x, const std::string& path, bool causal) {
  const Dense q = project(x, trial.weights(path + ".query")), k = project(x, trial.weights(path + ".key"));
  const Dense v = project(x, trial.weights(path + ".value")), bias = trial.weights(path + ".bias");
  const long heads = trial.c.heads, width = q.cols / heads;
  Dense y(x.rows, q.cols);
  for (long h = 0; h < heads; ++h)
    for (long i = 0; i < x.rows; ++i) {
      double total = 0;
      for (long j = 0; j < (causal ? i + 1 : x.rows); ++j) {
        double score = bias.at(class_of(j - i), h);
        for (long d = h * width; d < (h + 1) * width; ++d) score += q.at(i, d) * k.at(j, d) / std::sqrt(double(width));
        total += std::exp(score);
        for (long d = h * width; d < (h + 1) * width; ++d) y.at(i, d) += std::exp(score) * v.at(j, d);
      }
      for (long d = h * width; d < (h + 1) * width; ++d) y.at(i, d) /= total;
    }
  return project(y, trial.weights(path + ".out"));
}

Dense glam_feed(const Trial& trial, const Dense& x, const std::string& path, bool gated) {
  Dense hidden = project(x, trial.weights(path + ".in"));
  for (double& value : hidden.v)
    value = 0.5 * value * (1 + std::tanh(std::sqrt(2 / M_PI) * (value + 0.044715 * value * value * value)));
  if (gated) {
    const Dense gate = project(x, trial.weights(path + ".gate"));
    for (std::size_t i = 0; i < gate.v.size(); ++i) hidden.v[i] *= gate.v[i];
  }
  return project(hidden, trial.weights(path + ".out"));
}

TEST(GLaM, EqualsItsBlocksWrittenOut) {
  for (const auto& [training, causal] : {std::pair{true, false}, {false, false}, {true, true}}) {
    long dropped = 0;
    for (const auto& lengths : kLengths) {
      const Trial trial =
          with_blocks("glam", {{"experts", 5}, {"capacity", 0.9}, {"eval_capacity", 1.1}, {"causal", causal}}, lengths,
                      3, training);
      const DenseLayers layers{trial};
      trial.expect_rows([&, training = training, causal = causal](Dense x) {
        for (long b = 0; b < 3; ++b) {
          const std::string path = std::to_string(b);
          x = DenseLayers::sum(
              x, glam_attention(trial, rms(x, layers.vector(path + ".mixer_norm")), path + ".mixer", causal));
          const Dense into = rms(x, layers.vector(path + ".feed_norm"));
          if (b % 2 == 1) {
            x = DenseLayers::sum(x, glam_feed(trial, into, path + ".feed", true));
            continue;
          }
          const Mixed mixed =
              mix(layers, into, path + ".feed", {2, true, training ? 0.9 : 1.1, true, causal},
                  [&](const Dense& row, const std::string& expert) { return glam_feed(trial, row, expert, false); });
          x = DenseLayers::sum(x, mixed.y);
          dropped += mixed.dropped;
        }
        return rms(x, layers.vector("norm"));
      });
    }
    EXPECT_GT(dropped, 0);
  }
}

}  // namespace
}  // namespace lra
