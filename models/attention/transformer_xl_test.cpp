/// Transformer-XL against explicit scores with distances, and its memory against gradients.
#include <gtest/gtest.h>

#include "models/testing/dense_relative.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

TEST(TransformerXl, EqualsItsScoresDistanceByDistance) {
  for (const bool causal : {false, true})
    for (const auto& [segment, memory] : {std::pair{4L, 6L}, {4L, 0L}, {64L, 64L}, {1000L, 0L}})
      for (const auto& lengths : {std::vector<long>{1}, {5, 1, 9}, {130, 3}}) {
        const Trial trial("transformer_xl", {{"segment", segment}, {"memory", memory}, {"causal", causal}}, lengths);
        trial.expect_rows([&, segment = segment, memory = memory](const Dense& x) {
          return relative_attention(trial, "", kHeads, in_places(x), in_places(x), [&](long i, long j) {
            const long begin = i / segment * segment;
            return j >= begin - memory && j < begin + segment && (!causal || j <= i);
          });
        });
      }
}

TEST(TransformerXl, WithoutBiasesAndPositionsIsCausalSoftmax) {
  Trial trial("transformer_xl", {{"segment", 1000}, {"memory", 0}, {"causal", true}}, {40, 7});
  Named values = trial.run.parameters;
  for (const char* name : {"content_bias", "position_bias", "position"})
    values.at(name).assign(values.at(name).size(), 0);
  trial.set(values);
  trial.expect([](const Dense& q, const Dense& k, const Dense& v) {
    return attend(q, k, v, kHeads, softmax_weight, [](long i, long j) { return j <= i; });
  });
}

TEST(TransformerXl, LongMemoriesChangeNoValueOfTheCausalModelAndStopItsGradients) {
  const auto run = [](long segment, long memory) {
    return Trial("transformer_xl", {{"segment", segment}, {"memory", memory}, {"causal", true}}, {30}).run;
  };
  const MixerRun whole = run(30, 0), segmented = run(5, 30);
  EXPECT_LT(relative_error(segmented.result, whole.result), 1e-12);
  EXPECT_GT(relative_error(segmented.gradients.at("x"), whole.gradients.at("x")), 1e-3);
}

TEST(TransformerXl, NoGradientReachesTheMemory) {
  Trial trial("transformer_xl", {{"segment", 5}, {"memory", 5}}, {10});
  Numbers second(trial.x.size());  // a loss on the second segment only
  std::fill(second.begin() + long(second.size()) / 2, second.end(), 1.0);
  const Numbers gradient = f64::run_mixer(trial.c, trial.x, second).gradients.at("x");
  for (std::size_t i = 0; i < gradient.size() / 2; ++i) EXPECT_EQ(gradient[i], 0) << i;
  EXPECT_GT(dot(gradient, gradient), 0);
}

}  // namespace
}  // namespace lra
