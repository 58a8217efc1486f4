/// Perceiver against its explicit equations, and its invariance to order and copies of the inputs.
#include <gtest/gtest.h>

#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

TEST(Perceiver, EqualsItsReadingsWrittenOut) {
  for (const bool share : {true, false})
    for (const auto& lengths : kLengths) {
      Trial trial("perceiver", {{"latents", 5}, {"blocks", 1}, {"cross_heads", 2}, {"share", share}}, lengths);
      trial.c.layers = 3;
      trial.set({});
      const DenseLayers layers{trial};
      trial.expect_rows([&](const Dense& tokens) {
        Dense z = trial.weights("latents");
        for (long r = 0; r < 3; ++r) {
          const std::string path = std::to_string(share ? std::min(r, 1L) : r);
          z = DenseLayers::sum(z, layers.attention(layers.norm(z, path + ".latent_norm"),
                                                   layers.norm(tokens, path + ".input_norm"), path + ".read", 2));
          z = DenseLayers::sum(z, layers.feed(layers.norm(z, path + ".feed_norm"), path + ".feed"));
          z = layers.block(z, path + ".blocks.0", 3);
        }
        return mean_everywhere(layers.norm(z, "norm"), tokens.rows);
      });
    }
}

TEST(Perceiver, DoesNotNoticeTheOrderOrTheNumberOfCopiesOfItsInputs) {
  Trial once("perceiver", {{"latents", 4}}, {6});
  const std::size_t width = std::size_t(once.c.width);
  const auto first_row = [&](Trial& trial) {
    return Numbers(trial.run.result.begin(), trial.run.result.begin() + long(width));
  };
  const Numbers expected = first_row(once);
  Trial twice = once;
  twice.c.lengths = {12};
  for (std::size_t i = 6; i-- > 0;)  // reversed, after the original
    twice.x.insert(twice.x.end(), once.x.begin() + long(i * width), once.x.begin() + long((i + 1) * width));
  twice.set({});
  EXPECT_LT(relative_error(first_row(twice), expected), 1e-12);
}

TEST(Perceiver, ReadingsThatAreSharedHaveOneSetOfWeights) {
  const auto parameters = [](bool share) {
    Trial trial("perceiver", {{"share", share}}, {3});
    trial.c.layers = 4;
    trial.set({});
    std::size_t blocks = 0;
    for (const auto& [name, values] : trial.run.parameters) blocks += name.ends_with("read.query");
    return blocks;
  };
  EXPECT_EQ(parameters(true), 2u);
  EXPECT_EQ(parameters(false), 4u);
}

}  // namespace
}  // namespace lra
