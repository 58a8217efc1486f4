/// TokenLearner against its explicit equations, and its maps in the limit.
#include <gtest/gtest.h>

#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

/// GELU in its tanh form.
Dense gelu(Dense x) {
  for (double& v : x.v) v = 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
  return x;
}

/// Σ_p α_s(p) x_p, α a softmax over the positions p.
Dense learned(const DenseLayers& layers, const Dense& x) {
  Dense maps = project(gelu(layers.affine(layers.norm(x, "maps.norm"), "maps.in")), layers.trial.weights("maps.out"));
  for (long s = 0; s < maps.cols; ++s) {
    double highest = maps.at(0, s), total = 0;
    for (long p = 0; p < maps.rows; ++p) highest = std::max(highest, maps.at(p, s));
    for (long p = 0; p < maps.rows; ++p) total += maps.at(p, s) = std::exp(maps.at(p, s) - highest);
    for (long p = 0; p < maps.rows; ++p) maps.at(p, s) /= total;
  }
  Dense z(maps.cols, x.cols);
  for (long s = 0; s < z.rows; ++s)
    for (long p = 0; p < x.rows; ++p)
      for (long c = 0; c < x.cols; ++c) z.at(s, c) += maps.at(p, s) * x.at(p, c);
  return z;
}

Trial tokenlearner(const Json& settings, long count, const std::vector<long>& lengths) {
  Trial trial("tokenlearner", {}, lengths);
  trial.c.settings = settings, trial.c.layers = count;
  trial.set({});
  return trial;
}

TEST(TokenLearner, EqualsItsEquationsWrittenOut) {
  for (const auto& [before, first] : {std::pair{0L, 2L}, {1L, 1L}, {3L, 3L}})
    for (const auto& lengths : {std::vector<long>{1}, {2}, {5, 1, 9}, {130, 3}}) {
      const Trial trial = tokenlearner({{"tokens", 4}, {"before", before}, {"bottleneck", 7}}, 3, lengths);
      const DenseLayers layers{trial};
      trial.expect_rows([&, first = first](const Dense& tokens) {
        Dense x = tokens;
        for (long l = 0; l < 3; ++l) {
          if (l == first) x = learned(layers, x);
          x = layers.block(x, std::to_string(l), kHeads);
        }
        if (first == 3) x = learned(layers, x);
        return mean_everywhere(layers.norm(x, "norm"), tokens.rows);
      });
    }
}

TEST(TokenLearner, SteepMapsSelectTokens) {
  Trial trial = tokenlearner({{"tokens", 1}}, 1, {9});
  Named values = trial.run.parameters;
  for (double& weight : values.at("maps.out")) weight *= 1e6;
  trial.set(values);
  const DenseLayers layers{trial};
  const Dense rows = layers.norm(layers.block(Dense(9, trial.c.width, trial.x), "0", kHeads), "norm");
  const Numbers token(trial.run.result.begin(), trial.run.result.begin() + trial.c.width);
  double nearest = 1;
  for (long i = 0; i < rows.rows; ++i)
    nearest = std::min(
        nearest, relative_error(token, Numbers(rows.v.begin() + i * rows.cols, rows.v.begin() + (i + 1) * rows.cols)));
  EXPECT_LT(nearest, 1e-9);
}

TEST(TokenLearner, DoesNotNoticeTheOrderOfItsInputs) {
  const Trial trial = tokenlearner({{"tokens", 4}}, 2, {6});
  Trial backwards = trial;
  for (long i = 0; i < 6; ++i)
    std::copy_n(trial.x.begin() + i * trial.c.width, trial.c.width, backwards.x.begin() + (5 - i) * trial.c.width);
  backwards.set({});
  EXPECT_LT(relative_error(backwards.run.result, trial.run.result), 1e-12);
}

}  // namespace
}  // namespace lra
