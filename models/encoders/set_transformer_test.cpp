/// Set Transformer against its explicit equations, and its invariance to order and copies of the inputs.
#include <gtest/gtest.h>

#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

/// Weights with scores divided by the square root of all features, for any number of heads.
double over_all_features(const double* q, const double* k, long width) {
  double s = 0;
  for (long d = 0; d < width; ++d) s += q[d] * k[d];
  return std::exp(s / std::sqrt(double(kHeads * width)));
}

Dense meeting(const DenseLayers& layers, const Dense& x, const Dense& set, const std::string& path) {
  const Dense q = layers.affine(x, path + ".query");
  Dense h = DenseLayers::sum(
      q, attend(q, project(set, layers.trial.weights(path + ".key")), layers.affine(set, path + ".value"), kHeads,
                over_all_features, Visible([](long, long) { return true; })));
  h = layers.norm(h, path + ".norm");
  Dense fed = layers.affine(h, path + ".feed");
  for (double& value : fed.v) value = std::max(0.0, value);
  return layers.norm(DenseLayers::sum(h, fed), path + ".feed_norm");
}

Trial set_transformer(const Json& settings, const std::vector<long>& lengths) {
  Trial trial("set_transformer", settings, lengths);
  trial.c.layers = 2;
  trial.set({});
  return trial;
}

TEST(SetTransformer, EqualsItsEquationsWrittenOut) {
  for (const auto& [inducing, seeds, feed, blocks] :
       {std::tuple{1L, 1L, true, 1L}, {4L, 1L, false, 0L}, {4L, 3L, true, 1L}, {4L, 3L, false, 2L}})
    for (const auto& lengths : {std::vector<long>{1}, {2}, {5, 1, 9}, {130, 2}}) {
      const Trial trial =
          set_transformer({{"inducing", inducing}, {"seeds", seeds}, {"feed", feed}, {"blocks", blocks}}, lengths);
      const DenseLayers layers{trial};
      trial.expect_rows([&, feed = feed, blocks = blocks](const Dense& tokens) {
        Dense x = tokens;
        for (const std::string path : {"0", "1"})
          x = meeting(layers, x, meeting(layers, trial.weights(path + ".points"), x, path + ".gather"),
                      path + ".spread");
        if (feed) {
          x = layers.affine(x, "feed");
          for (double& value : x.v) value = std::max(0.0, value);
        }
        Dense decoded = meeting(layers, trial.weights("seeds"), x, "pooling");
        for (long b = 0; b < blocks; ++b) decoded = meeting(layers, decoded, decoded, "blocks." + std::to_string(b));
        return mean_everywhere(decoded, tokens.rows);
      });
    }
}

TEST(SetTransformer, DoesNotNoticeTheOrderOrTheNumberOfCopiesOfItsInputs) {
  Trial once = set_transformer({{"inducing", 4}, {"seeds", 2}}, {6});
  const std::size_t width = std::size_t(once.c.width);
  Trial twice = once;
  twice.c.lengths = {12};
  for (std::size_t i = 6; i-- > 0;)  // reversed, after the original
    twice.x.insert(twice.x.end(), once.x.begin() + long(i * width), once.x.begin() + long((i + 1) * width));
  twice.set({});
  const auto first_row = [&](const Trial& trial) {
    return Numbers(trial.run.result.begin(), trial.run.result.begin() + long(width));
  };
  EXPECT_LT(relative_error(first_row(twice), first_row(once)), 1e-12);
}

}  // namespace
}  // namespace lra
