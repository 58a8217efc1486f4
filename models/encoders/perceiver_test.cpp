/// Perceiver against its explicit equations, and its invariance to order and copies of the inputs.
#include <gtest/gtest.h>

#include "core/error.h"
#include "models/testing/contract.h"
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

// Source: Perceiver IO, §3.2: the output query attends to the latents as these attend to the inputs.
TEST(Perceiver, ReadsItsResultByAQueryWrittenOut) {
  for (const auto& lengths : kLengths) {
    Trial trial("perceiver", {{"latents", 5}, {"blocks", 0}, {"cross_heads", 2}, {"output", "query"}}, lengths);
    trial.c.layers = 1;
    trial.set({});
    const DenseLayers layers{trial};
    const auto reading = [&](const Dense& z, const Dense& input, const std::string& path) {
      const Dense read = layers.attention(layers.norm(z, path + ".latent_norm"),
                                          layers.norm(input, path + ".input_norm"), path + ".read", 2);
      const Dense sum = DenseLayers::sum(z, read);
      return DenseLayers::sum(sum, layers.feed(layers.norm(sum, path + ".feed_norm"), path + ".feed"));
    };
    trial.expect_rows([&](const Dense& tokens) {
      const Dense latents = reading(trial.weights("latents"), tokens, "0");
      return mean_everywhere(layers.norm(reading(trial.weights("query"), latents, "decoder"), "norm"), tokens.rows);
    });
    MixerCase c = trial.c;
    c.attention_dropout = 0.2;
    EXPECT_LT(error_along_directions(c), 1e-6);
    EXPECT_LT(error_in_float(c), 1e-5);
  }
}

TEST(Perceiver, RefusesAnOutputThatDoesNotExist) {
  MixerCase c;
  c.model = "perceiver", c.settings = {{"output", "first"}}, c.lengths = {3};
  EXPECT_THROW((void)f64::make_mixer(c), Error);
}

// A task that pools by cls reads the first state: it must not come from the first latent alone.
TEST(Perceiver, EveryLatentReachesThePooledState) {
  for (const char* pool : {"mean", "cls"})
    for (const char* output : {"mean", "query"}) {
      ModelCase c;
      c.model = "perceiver", c.settings = {{"latents", 5}, {"blocks", 0}, {"output", output}};
      c.encoder = {{"width", 12}, {"heads", 3}, {"layers", 1}, {"pool", pool}};
      c.task = {"test", "test", 40, 9, 3, false, 0, 0};
      c.batch.ids = {3, 1, 4, 1, 5}, c.batch.offsets = {0, 5}, c.batch.labels = {2}, c.batch.examples = {0};
      const Numbers gradient = f64::run_model(c).gradients.at("encoder.latents");
      for (std::size_t latent = 0; latent < 5; ++latent) {
        const Numbers own(gradient.begin() + long(latent) * 12, gradient.begin() + long(latent + 1) * 12);
        EXPECT_GT(dot(own, own), 0) << pool << " " << output << " " << latent;
      }
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
