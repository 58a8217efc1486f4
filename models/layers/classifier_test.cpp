#include "models/layers/classifier.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/bridge.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

long count(const TaskSpec& task, const Json& encoder) {
  return Classifier("transformer", Json::object(), parse<EncoderConfig>(encoder, "encoder"), task, 0)
      .parameters()
      .count();
}

// Sources: counts that users of LRA's code printed, and layer-by-layer sums for its configurations; e.g. Image, one
// layer of 128 with 64 features of queries: tokens 256·128, positions 1025·128, cls 128, norms 3·256, attention
// 4·128·64, feed-forward 2·(128·128 + 128), head 128·128 + 128 + 128·10 + 10 = 248,458.
TEST(Classifier, ParameterCountsOfLra) {
  const TaskSpec listops{"listops", "listops", 17, 2000, 10, false, 0, 0},
      text{"text", "text", 257, 1000, 2, false, 0, 0}, retrieval{"retrieval", "retrieval", 257, 4000, 2, true, 0, 0},
      image{"image", "image", 256, 1024, 10, false, 32, 32},
      pathfinder{"pathfinder", "pathfinder", 256, 1024, 2, false, 32, 32};
  const Json listops_shape = {{"width", 512}, {"ff", 1024},    {"heads", 8},
                              {"layers", 4},  {"pool", "cls"}, {"positions", "sinusoid"}};
  EXPECT_EQ(count(listops, listops_shape), 8'948'746);
  Json paper = listops_shape;
  paper.update({{"layers", 6}, {"ff", 2048}});
  EXPECT_EQ(count(listops, paper), 19'983'370);
  EXPECT_EQ(
      count(text,
            {{"width", 256}, {"ff", 1024}, {"heads", 4}, {"layers", 4}, {"pool", "cls"}, {"positions", "sinusoid"}}),
      3'486'722);
  Json pair = {
      {"width", 128},           {"ff", 512}, {"heads", 4}, {"layers", 4}, {"pool", "cls"}, {"positions", "sinusoid"},
      {"interaction", "concat"}};
  EXPECT_EQ(count(retrieval, pair), 1'087'618);
  pair["interaction"] = "nli";
  EXPECT_EQ(count(retrieval, pair), 1'218'690);
  EXPECT_EQ(count(image, {{"width", 128},
                          {"qkv", 64},
                          {"ff", 128},
                          {"heads", 8},
                          {"layers", 1},
                          {"pool", "cls"},
                          {"positions", "learned"}}),
            248'458);
  EXPECT_EQ(count(image, {{"width", 32},
                          {"qkv", 32},
                          {"ff", 64},
                          {"heads", 1},
                          {"layers", 1},
                          {"pool", "cls"},
                          {"positions", "learned"}}),
            52'266);
  EXPECT_EQ(count(pathfinder, {{"width", 32},
                               {"qkv", 16},
                               {"ff", 32},
                               {"heads", 4},
                               {"layers", 4},
                               {"pool", "mean"},
                               {"positions", "sinusoid"}}),
            26'530);
}

TEST(Classifier, RefusesImpossibleShapes) {
  const TaskSpec task{"test", "test", 10, 20, 2, false, 0, 0};
  for (const Json& bad : {Json{{"norm", "within"}}, Json{{"feed", "tanh"}}, Json{{"heads", 3}}, Json{{"layers", 0}},
                          Json{{"pool", "max"}}, Json{{"positions", "rotary"}}, Json{{"dropout", 1.0}}})
    EXPECT_THROW(count(task, bad), Error) << bad.dump();
  EXPECT_THROW(Classifier("no_such_model", {}, {}, task, 0), Error);
}

TEST(Classifier, StartsAsAFunctionOfTheSeed) {
  const TaskSpec task{"test", "test", 10, 20, 2, false, 0, 0};
  const auto digest = [&](std::uint64_t seed) {
    return Classifier("transformer", {}, {}, task, seed).parameters().digest();
  };
  EXPECT_EQ(digest(1), digest(1));
  EXPECT_NE(digest(1), digest(2));
}

/// A pair of sequences per example, both pools and both interactions, and tokens or, with a deviation, numbers.
class Shapes : public testing::TestWithParam<std::tuple<bool, std::string, std::string, std::string, double>> {};

// Source: (f(x + h) − f(x − h)) / 2h of the whole model's mean loss in double, h = 1e-5.
TEST_P(Shapes, BackwardEqualsCentralDifferences) {
  const auto& [paired, pool, positions, interaction, deviation] = GetParam();
  ModelCase c;
  c.model = "linear";
  c.encoder = {{"width", 8},
               {"ff", 6},
               {"heads", 2},
               {"layers", 1},
               {"pool", pool},
               {"positions", positions},
               {"interaction", interaction},
               {"dropout", 0.2}};
  c.task = {"test", "test", 9, 6, 3, paired, 0, 0, 4.5, deviation};
  c.batch.ids = {1, 2, 3, 4, 5, 6, 7, 8, 1, 3};
  c.batch.offsets = {0, 3, 4, 9, 10};
  c.batch.paired = paired;
  c.batch.labels = paired ? std::vector<std::int32_t>{0, 2} : std::vector<std::int32_t>{0, 2, 1, 1};
  c.batch.examples = paired ? std::vector<std::uint32_t>{5, 9} : std::vector<std::uint32_t>{5, 9, 2, 3};
  const ModelRun run = f64::run_model(c);
  const auto loss = [&](const Named& parameters) {
    double sum = 0;
    for (const double l : f64::run_model(c, parameters).losses) sum += l;
    return sum / double(c.batch.size());
  };
  constexpr double kStep = 1e-5;
  Named parameters = run.parameters;
  for (auto& [name, values] : parameters) {
    Numbers expected, actual;
    for (std::size_t e = 0; e < values.size(); e += std::max<std::size_t>(1, values.size() / 12)) {
      const double value = values[e];
      values[e] = value + kStep;
      const double above = loss(parameters);
      values[e] = value - kStep;
      const double below = loss(parameters);
      values[e] = value;
      expected.push_back((above - below) / (2 * kStep));
      actual.push_back(run.gradients.at(name).at(e));
    }
    // Rounding of the difference itself is about 1e-11.
    double error = 0, norm = 0;
    for (std::size_t e = 0; e < expected.size(); ++e)
      error += std::pow(actual[e] - expected[e], 2), norm += std::pow(expected[e], 2);
    EXPECT_LT(std::sqrt(error), 1e-6 * std::sqrt(norm) + 3e-10) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Shapes,
                         testing::Values(std::tuple{false, "cls", "learned", "nli", 0},
                                         std::tuple{false, "mean", "sinusoid", "nli", 0},
                                         std::tuple{false, "mean", "none", "nli", 2.5},
                                         std::tuple{true, "cls", "sinusoid", "concat", 0},
                                         std::tuple{true, "mean", "learned", "nli", 2.5}));

/// A classifier of short sequences, one of a single token.
ModelCase small(const std::string& model, const Json& encoder, const Json& settings = Json::object()) {
  ModelCase c;
  c.model = model;
  c.settings = settings;
  c.encoder = {{"width", 6}, {"ff", 4}, {"heads", 2}, {"layers", 2}, {"dropout", 0.0}, {"attention_dropout", 0.0}};
  c.encoder.update(encoder);
  c.task = {"test", "test", 9, 6, 3, false, 0, 0};
  c.batch.ids = {1, 2, 3, 4, 5, 6};
  c.batch.offsets = {0, 5, 6}, c.batch.labels = {0, 2}, c.batch.examples = {0, 1};
  return c;
}

// Source: `stack`, whose forms encoders/stack_test.cpp compares with blocks composed by hand.
TEST(Classifier, PutsMixersIntoTheChosenBlocks) {
  for (const char* norm : {"before", "after"})
    for (const char* feed : {"gelu", "relu", "silu", "swiglu", "none"}) {
      const Json form{{"norm", norm}, {"feed", feed}};
      Json of_stack = form;
      of_stack["blocks"] = "transformer";
      EXPECT_EQ(f64::run_model(small("transformer", form)).logits,
                f64::run_model(small("stack", Json::object(), of_stack)).logits)
          << norm << " " << feed;
    }
}

// Source: with a mixer whose result is 0, no feed-forward part and no final norm, the encoder does nothing, and a head
// without hidden layers reads the mean of the tokens' vectors.
TEST(Classifier, CanBeNothingButALinearReadoutOfTheMean) {
  const ModelRun run = f64::run_model(
      small("identity", {{"feed", "none"}, {"final_norm", false}, {"head_layers", 0}, {"positions", "none"}}));
  std::set<std::string> names;
  for (const auto& [name, values] : run.parameters)
    if (!name.starts_with("encoder.0.") && !name.starts_with("encoder.1.")) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"embedding.tokens", "head.0.weight", "head.0.bias"}));
  const Numbers &table = run.parameters.at("embedding.tokens"), &w = run.parameters.at("head.0.weight");
  const std::vector<std::vector<std::size_t>> sequences{{1, 2, 3, 4, 5}, {6}};
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t k = 0; k < 3; ++k) {
      double expected = run.parameters.at("head.0.bias")[k];
      for (std::size_t c = 0; c < 6; ++c)
        for (const std::size_t id : sequences[s])
          expected += w[k * 6 + c] * table[id * 6 + c] / double(sequences[s].size());
      EXPECT_NEAR(run.logits[s * 3 + k], expected, 1e-12);
    }
}

// Source: as above, with (id − 2) / 4 times a vector plus another one for each token.
TEST(Classifier, ReadsNumbersThroughALinearLayer) {
  ModelCase c = small("identity", {{"feed", "none"}, {"final_norm", false}, {"head_layers", 0}, {"positions", "none"}});
  c.task.mean = 2, c.task.deviation = 4;
  c.batch.ids = {1, 2, 3, 4, 250, 6};  // of any size, as there is no table
  const ModelRun run = f64::run_model(c);
  EXPECT_FALSE(run.parameters.contains("embedding.tokens"));
  const Numbers &slope = run.parameters.at("embedding.values.weight"),
                &start = run.parameters.at("embedding.values.bias"), &w = run.parameters.at("head.0.weight");
  const double means[] = {(-1 + 0 + 1 + 2 + 248) / 20.0, 1};
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t k = 0; k < 3; ++k) {
      double expected = run.parameters.at("head.0.bias")[k];
      for (std::size_t i = 0; i < 6; ++i) expected += w[k * 6 + i] * (slope[i] * means[s] + start[i]);
      EXPECT_NEAR(run.logits[s * 3 + k], expected, 1e-10);
    }
}

TEST(Classifier, ReadsTheNumbersOfAnExampleWithoutItsCompany) {
  const Worker worker;
  ModelCase both = small("transformer", {{"width", 16}}), first = both;
  both.task.mean = first.task.mean = 3, both.task.deviation = first.task.deviation = 2;
  first.batch.ids.resize(5), first.batch.offsets.resize(2), first.batch.labels.resize(1),
      first.batch.examples.resize(1);
  const Numbers together = f32::run_model(both).logits, alone = f32::run_model(first).logits;
  EXPECT_EQ(Numbers(together.begin(), together.begin() + 3), alone);
}

// Source: counted by hand, 4 · 6 features of a pair.
TEST(Classifier, HasTheChosenNumberOfHiddenLayersInItsHead) {
  const TaskSpec pair{"test", "test", 9, 6, 3, true, 0, 0};
  const auto head = [&](long layers) { return count(pair, {{"width", 6}, {"ff", 5}, {"head_layers", layers}}); };
  EXPECT_EQ(head(1) - head(0), (24 * 5 + 5) + (5 * 3 + 3) - (24 * 3 + 3));
  EXPECT_EQ(head(2) - head(1), (5 * 2 + 2) + (2 * 3 + 3) - (5 * 3 + 3));
  EXPECT_EQ(head(-1), head(2)) << "LRA's";
}

TEST(Classifier, RefusesAnotherStackAroundAModelWithItsOwn) {
  const TaskSpec task{"test", "test", 10, 20, 2, false, 0, 0};
  const auto build = [&](const Json& encoder) {
    Classifier("perceiver", {}, parse<EncoderConfig>(encoder, "encoder"), task, 0);
  };
  EXPECT_NO_THROW(build(Json{{"norm", "before"}, {"feed", "gelu"}, {"head_layers", 0}}));
  for (const Json& own : {Json{{"norm", "after"}}, Json{{"feed", "relu"}}, Json{{"final_norm", false}}})
    EXPECT_THROW(build(own), Error) << own.dump();
}

/// The gradient of a transformer's loss, with dropout at every site.
std::vector<float> gradient_with(double dropout, bool trains) {
  EncoderConfig shape;
  shape.width = 16, shape.ff = 24, shape.heads = 2, shape.layers = 2;
  shape.dropout = shape.attention_dropout = dropout;
  const Classifier model("transformer", Json::object(), shape, {"test", "test", 30, 24, 3, false, 0, 0}, 3);
  Batch batch;
  for (std::int32_t i = 0; i < 48; ++i) batch.ids.push_back(i * 7 % 30);
  batch.offsets = {0, 24, 48}, batch.labels = {0, 2}, batch.examples = {0, 1};
  std::vector<float> gradients(std::size_t(model.parameters().count()));
  const Training training(trains);
  Tape tape(gradients);
  cross_entropy(model.forward(batch, 5), batch.labels, 0.5);
  tape.backward();
  return gradients;
}

// Source: the forward pass. Pieces of different sizes for the two sides of a pair.
TEST(Classifier, StepsEndInTheLogitsOfTheWhole) {
  const Worker worker;
  EncoderConfig shape;
  shape.width = 16, shape.ff = 24, shape.heads = 2, shape.layers = 2;
  const TaskSpec task{"test", "test", 30, 24, 3, true, 0, 0};
  const auto batch_of = [](long first, long first_end, long second, long second_end) {
    Batch batch;
    batch.paired = true, batch.labels = {1}, batch.examples = {4};
    for (long i = first; i < first_end; ++i) batch.ids.push_back(std::int32_t(i * 7 % 30));
    for (long i = second; i < second_end; ++i) batch.ids.push_back(std::int32_t(i * 11 % 29));
    batch.offsets = {0, first_end - first, first_end - first + second_end - second};
    return batch;
  };
  for (const char* positions : {"learned", "sinusoid"}) {
    shape.positions = positions;
    const Classifier model("stack", {{"blocks", std::string("gru,transformer")}, {"causal", true}}, shape, task, 3);
    const Tensor whole = model.forward(batch_of(0, 9, 0, 24), 0);
    StepStates states(2);
    (void)model.step(batch_of(0, 5, 0, 1), states);
    (void)model.step(batch_of(5, 8, 1, 20), states);
    const Tensor last = model.step(batch_of(8, 9, 20, 24), states);
    for (long k = 0; k < 3; ++k) EXPECT_NEAR(last.data()[k], whole.data()[k], 1e-5) << positions;
    EXPECT_THROW(model.step(batch_of(9, 10, 0, 1), states), Error);  // beyond 24 tokens
  }
  shape.pool = "cls";
  const Classifier pooled("gru", {{"causal", true}}, shape, task, 3);
  StepStates states(2);
  EXPECT_THROW(pooled.step(batch_of(0, 1, 0, 1), states), Error);
}

// A tape records gradients; only Training turns on dropout.
TEST(Classifier, AGradientIsFreeOfDropoutOutsideTraining) {
  const Worker worker;
  EXPECT_EQ(gradient_with(0.2, false), gradient_with(0, true));
  EXPECT_NE(gradient_with(0.2, false), gradient_with(0.2, true));
}

}  // namespace
}  // namespace lra
