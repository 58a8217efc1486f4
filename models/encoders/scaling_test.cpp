/// Scaling Transformer against its explicit equations, and the operations that it saves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/tensor/detail/onednn.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

enum class Mask { one, soft };

struct Written {
  const Trial& trial;
  DenseLayers layers;
  long modules;
  bool causal = false;

  /// out[i][s·M + f] = b_f + Σ over taps t, neighbours and features of w · x[i + t][(s + neighbour)·M + feature].
  Dense convolved(const Dense& x, const std::string& path, long reach) const {
    const Dense w = trial.weights(path);
    const long m = x.cols / modules;
    const Numbers bias = path.ends_with("key") ? Numbers(std::size_t(m)) : layers.vector(path + "_bias");
    Dense y(x.rows, x.cols);
    for (long i = 0; i < x.rows; ++i)
      for (long s = 0; s < modules; ++s)
        for (long f = 0; f < m; ++f) {
          y.at(i, s * m + f) = bias[std::size_t(f)];
          for (long t = 0; t < 3; ++t)
            for (long r = -reach; r <= reach; ++r)
              for (long g = 0; g < m; ++g) {
                const long row = i + t - (causal ? 2 : 1), module = s + r;
                if (row < 0 || row >= x.rows || module < 0 || module >= modules) continue;
                y.at(i, s * m + f) += w.at(f, (t * (2 * reach + 1) + r + reach) * m + g) * x.at(row, module * m + g);
              }
        }
    return y;
  }

  Dense attention(const Dense& x, const std::string& path) const {
    const Dense d = trial.weights(path + ".modules"), e = trial.weights(path + ".features");
    const Numbers& bias = layers.vector(path + ".bias");
    Dense shared(x.rows, d.rows * e.rows);
    for (long t = 0; t < x.rows; ++t)
      for (long s = 0; s < d.rows; ++s)
        for (long m = 0; m < e.rows; ++m) {
          double& y = shared.at(t, s * e.rows + m);
          y = bias[std::size_t(s * e.rows + m)];
          for (long i = 0; i < x.cols; ++i) y += x.at(t, i) * d.at(s, i) * e.at(m, i);
        }
    const Dense y = attend(convolved(shared, path + ".query", 1), convolved(shared, path + ".key", 1),
                           convolved(shared, path + ".value", 0), trial.c.heads, softmax_weight,
                           [this](long i, long j) { return !causal || j <= i; });
    return shared.cols == x.cols ? y : project(y, trial.weights(path + ".out"));
  }

  Dense feed(const Dense& x, const std::string& path, long block, Mask mask) const {
    const Dense w1 = trial.weights(path + ".in"), w2 = trial.weights(path + ".out");
    Dense logits = project(project(x, trial.weights(path + ".controller.in")), trial.weights(path + ".controller.out"));
    Dense hidden = project(x, w1), y(x.rows, x.cols);
    for (long i = 0; i < x.rows; ++i) {
      for (long u = 0; u < logits.cols; ++u)
        logits.at(i, u) += layers.vector(path + ".controller.bias")[std::size_t(u)];
      for (long first = 0; first < logits.cols; first += block) {
        double total = 0, highest = -INFINITY;
        for (long u = first; u < first + block; ++u) {
          total += std::exp(logits.at(i, u));
          highest = std::max(highest, logits.at(i, u));
        }
        for (long u = first; u < first + block; ++u)
          hidden.at(i, u) *=
              mask == Mask::soft ? std::exp(logits.at(i, u)) / total : double(logits.at(i, u) == highest);
      }
      for (long c = 0; c < x.cols; ++c) {
        y.at(i, c) = layers.vector(path + ".bias")[std::size_t(c)];
        for (long u = 0; u < hidden.cols; ++u) y.at(i, c) += std::max(0.0, hidden.at(i, u)) * w2.at(u, c);
      }
    }
    return y;
  }

  Dense operator()(Dense x, long block, Mask mask) const {
    for (long b = 0; b < trial.c.layers; ++b) {
      const std::string path = std::to_string(b);
      x = DenseLayers::sum(x, attention(layers.norm(x, path + ".mixer_norm"), path + ".mixer"));
      x = DenseLayers::sum(x, feed(layers.norm(x, path + ".feed_norm"), path + ".feed", block, mask));
    }
    return layers.norm(x, "norm");
  }
};

Trial scaling(const Json& settings, std::vector<long> lengths, bool training, long qkv = 12) {
  Trial trial("scaling", settings, std::move(lengths));
  trial.c.training = training, trial.c.qkv = qkv;
  trial.set({});
  return trial;
}

TEST(Scaling, InEvaluationOneUnitOfABlockIsActive) {
  for (const long modules : {0, 1, 6})
    for (const bool causal : {false, true})
      for (const auto& lengths : kLengths) {
        const Trial trial = scaling({{"block", 4}, {"modules", modules}, {"causal", causal}}, lengths, false);
        const Written written{trial, {trial}, modules > 0 ? modules : 3, causal};
        trial.expect_rows([&](const Dense& x) { return written(x, 4, Mask::one); });
      }
}

TEST(Scaling, InTrainingUnitsAreWeightedOrChosen) {
  for (const auto& lengths : kLengths)
    for (const long qkv : {12, 6}) {
      const Trial soft = scaling({{"block", 8}, {"hard", 0.0}}, lengths, true, qkv);
      soft.expect_rows([&](const Dense& x) { return Written{soft, {soft}, 3}(x, 8, Mask::soft); });
      const Trial hard = scaling({{"block", 8}, {"hard", 1.0}, {"temperature", 0.0}}, lengths, true, qkv);
      hard.expect_rows([&](const Dense& x) { return Written{hard, {hard}, 3}(x, 8, Mask::one); });
    }
}

TEST(Scaling, ChoicesPassTheGradientOfTheirProbabilities) {
  const Trial trial = scaling({{"block", 16}, {"hard", 1.0}}, {9}, true);
  const Numbers& gradient = trial.run.gradients.at("0.feed.controller.bias");
  EXPECT_GT(dot(gradient, gradient), 0);
  double sum = 0;  // zero, because a softmax over the block does not change with a constant
  for (const double g : gradient) sum += g;
  EXPECT_NEAR(sum, 0, 1e-12);
}

TEST(Scaling, BlocksOfOneUnitAreADenseFeedForward) {
  const Trial dense = scaling({{"block", 1}}, {20, 3}, true), chosen = scaling({{"block", 1}}, {20, 3}, false);
  EXPECT_LT(relative_error(chosen.run.result, dense.run.result), 1e-12);
  dense.expect_rows([&](const Dense& x) { return Written{dense, {dense}, 3}(x, 1, Mask::soft); });
}

TEST(Scaling, EvaluationComputesTheActiveUnitsOnly) {
  const Worker worker;
  const auto flops = [](long block) {
    const Trial trial = scaling({{"block", block}}, {100, 3}, false);
    return f32::run_mixer(trial.c, trial.x, {}).flops;
  };
  const double all = 2 * 103 * (2 + 2) * 12 * 16.0;  // two blocks, both products of 16 units
  EXPECT_EQ(flops(1) - flops(4), all * 3 / 4);
  EXPECT_EQ(flops(1) - flops(16), all * 15 / 16);
}

}  // namespace
}  // namespace lra
