/// Compressive Transformer against explicit scores, Transformer-XL, and the definition of its loss.
#include <gtest/gtest.h>

#include "models/testing/dense_relative.h"

namespace lra {
namespace {

constexpr long kHeads = 3;
constexpr long kSegment = 6, kMemory = 5, kCompressed = 2, kRate = 3;

Trial compressive(bool causal, const std::vector<long>& lengths) {
  return {
      "compressive",
      {{"segment", kSegment}, {"memory", kMemory}, {"compressed", kCompressed}, {"rate", kRate}, {"causal", causal}},
      lengths};
}

/// Multiplies `rate` concatenated rows at a time by the convolution's matrix.
Dense groups_of(const Trial& trial, const Dense& x, long count) {
  const Dense folded(count, kRate * x.cols, Numbers(x.v.begin(), x.v.begin() + count * kRate * x.cols));
  return project(folded, trial.weights("compression"));
}

long groups_before(long begin) { return std::max(0L, begin - kMemory) / kRate; }

TEST(Compressive, EqualsItsScoresDistanceByDistance) {
  for (const bool causal : {false, true})
    for (const auto& lengths : {std::vector<long>{1}, {6, 7, 5}, {12, 14, 13}, {40, 3}, {131}}) {
      const Trial trial = compressive(causal, lengths);
      trial.expect_rows([&](const Dense& x) {
        const long n = x.rows, groups = groups_before((n - 1) / kSegment * kSegment);
        Placed context = in_places(x);
        context.x = below(context.x, groups_of(trial, x, groups));
        for (long g = 0; g < groups; ++g) context.places.push_back(double(g * kRate) + 1);  // the middle of three
        return relative_attention(trial, "", kHeads, in_places(x), context, [&](long i, long j) {
          const long begin = i / kSegment * kSegment, made = groups_before(begin);
          if (j >= n) return j - n < made && j - n >= made - kCompressed;
          return j >= made * kRate && j < begin + kSegment && (!causal || j <= i);
        });
      });
    }
}

TEST(Compressive, OneTokenAGroupAndTheIdentityIsTransformerXlWithTheLongerMemory) {
  for (const bool causal : {false, true}) {
    Trial trial("compressive", {{"segment", 7}, {"memory", 4}, {"compressed", 6}, {"rate", 1}, {"causal", causal}},
                {45, 3, 14});
    Named values = trial.run.parameters;
    Numbers& matrix = values.at("compression");
    for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = i / 12 == i % 12 ? 1 : 0;
    trial.set(values);
    MixerCase longer = trial.c;
    longer.model = "transformer_xl";
    longer.settings = {{"segment", 7}, {"memory", 10}, {"causal", causal}};
    const MixerRun xl = f64::run_mixer(longer, trial.x, random_numbers(trial.x.size(), "dy"), values);
    EXPECT_LT(relative_error(trial.run.result, xl.result), 1e-12);
    EXPECT_LT(relative_error(trial.run.gradients.at("x"), xl.gradients.at("x")), 1e-12);
    EXPECT_EQ(trial.run.auxiliary, 0);
  }
}

TEST(Compressive, ItsLossIsTheMeanSquareOfWhatReadingTheCompressedStatesLoses) {
  const Trial trial = compressive(false, {40});
  const Dense x(40, trial.c.width, trial.x);
  const auto part = [](const Dense& from, long begin, long count) {
    return Dense(count, from.cols,
                 Numbers(from.v.begin() + begin * from.cols, from.v.begin() + (begin + count) * from.cols));
  };
  const auto read = [&](const Dense& from, const Dense& context) {
    return attend(project(from, trial.weights("query")), project(context, trial.weights("key")),
                  project(context, trial.weights("value")), kHeads, softmax_weight,
                  Visible([](long, long) { return true; }));
  };
  double sum = 0, count = 0;
  for (long begin = 0; begin + kSegment < 40; begin += kSegment) {
    const long from = groups_before(begin), to = groups_before(begin + kSegment);
    if (from == to) continue;
    const Dense states = part(x, from * kRate, (to - from) * kRate), own = part(x, begin, kSegment);
    const Dense whole = read(own, states), compressed = read(own, groups_of(trial, states, to - from));
    for (std::size_t i = 0; i < whole.v.size(); ++i) sum += std::pow(whole.v[i] - compressed.v[i], 2), ++count;
  }
  EXPECT_NEAR(trial.run.auxiliary, sum / count, 1e-12 * sum / count);
  EXPECT_GT(trial.run.auxiliary, 0);
}

TEST(Compressive, ItsLossReachesTheCompressionAndTheTasksLossDoesNot) {
  const Trial trial = compressive(false, {40});
  for (const auto& [name, gradient] : f64::run_mixer(trial.c, trial.x, Numbers(trial.x.size())).gradients)
    EXPECT_EQ(dot(gradient, gradient) > 0, name == "compression") << name;
  MixerCase without = trial.c;
  without.settings["reconstruction"] = 0;
  const Numbers gradient =
      f64::run_mixer(without, trial.x, random_numbers(trial.x.size(), "dy")).gradients.at("compression");
  EXPECT_EQ(dot(gradient, gradient), 0);
}

}  // namespace
}  // namespace lra
