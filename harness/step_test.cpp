#include "harness/step.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "core/error.h"
#include "core/json.h"
#include "tasks/batcher.h"

namespace lra {
namespace {

const TaskSpec kTask{"test", "test", 30, 24, 3, false, 0, 0};

/// Examples of 8 tokens that are functions of their number.
class Numbered final : public Dataset {
 public:
  long size(Split) const override { return 600; }
  Example at(Split, long index) const override {
    for (std::size_t t = 0; t < tokens_.size(); ++t) tokens_[t] = std::uint16_t((index + 7 * long(t)) % 30);
    return {tokens_, {}, int(index % 3)};
  }
  Extent extent(Split) const override { return {8, 8, 0, 0, 29, 2}; }
  const std::string& fingerprint() const override { return none_; }

 private:
  mutable std::array<std::uint16_t, 8> tokens_{};
  std::string none_;
};

Batch some_batch() {
  const std::array<std::uint32_t, 5> examples{3, 1, 4, 15, 9};
  return make_batch(Numbered(), Split::train, examples);
}

Recipe constant(double lr) {
  Recipe recipe;
  recipe.lr = lr, recipe.schedule = "constant", recipe.warmup = 0, recipe.token_budget = 16;
  return recipe;
}

/// A small model with everything that its steps need.
struct Subject {
  explicit Subject(const Recipe& of) : recipe(of) {}
  static EncoderConfig shape() {
    EncoderConfig c;
    c.width = 16, c.ff = 24, c.heads = 2, c.layers = 1;
    return c;
  }
  std::vector<float> values() { return {model.parameters().values().begin(), model.parameters().values().end()}; }

  Recipe recipe;
  LaneExecutor lanes{2};
  Classifier model{"linear", Json::object(), shape(), kTask, 3};
  Adam adam{model.parameters().count(), recipe};
  RunningClock clock;
  Stepper stepper{lanes, model, adam, recipe, clock};
};

// Adam's first step, from Kingma and Ba's equations: both moments without bias are g and g², so a parameter moves by
// lr · g / (|g| + ε), where g is the clipped gradient.
TEST(Step, IsThatOfAdam) {
  for (const double clip : {0.0, 1e-3}) {
    Recipe recipe = constant(0.01);
    recipe.clip = clip, recipe.epsilon = 1e-4;
    Subject subject(recipe);
    const std::vector<float> before = subject.values();
    const StepResult result = subject.stepper.train(0, some_batch);
    double sum = 0;
    for (const float g : result.gradients) sum += double(g) * g;
    const double factor = clip > 0 ? clip / std::sqrt(sum) : 1;
    EXPECT_LE(factor, 1);
    const std::vector<float> after = subject.values();
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double g = factor * result.gradients[i];
      EXPECT_NEAR(double(after[i]) - before[i], -0.01 * g / (std::abs(g) + 1e-4), 1e-6) << i;
    }
    EXPECT_NEAR(result.squared_norm / sum, 1, 1e-6);
    EXPECT_EQ(result.losses.size(), 5u);
    EXPECT_GT(result.update_seconds, 0);
    EXPECT_GE(result.seconds, result.data_seconds + result.update_seconds);
    EXPECT_EQ(result.paused_seconds, 0);
  }
}

TEST(Step, TakesTheLearningRateOfTheRecipe) {
  Recipe recipe = constant(0.01);
  recipe.warmup = 10;  // steps, from zero on
  Subject subject(recipe);
  const std::vector<float> before = subject.values();
  (void)subject.stepper.train(0, some_batch);
  EXPECT_EQ(subject.values(), before);
  (void)subject.stepper.train(1, some_batch);
  EXPECT_NE(subject.values(), before);
}

TEST(Step, LeavesTheParametersWhereItDoesNotComeToItsEnd) {
  Subject subject(constant(0.01));
  const std::vector<float> before = subject.values();
  const auto refuse = [](const MicroBatchPlan& plan, const StepResult& result) {
    fail("{} examples, norm² {}", plan.examples, result.squared_norm > 0);
  };
  try {
    (void)subject.stepper.train(0, some_batch, {}, refuse);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "5 examples, norm² true");
  }
  const std::atomic<bool> stop = true;
  EXPECT_THROW((void)subject.stepper.train(0, some_batch, {.stop = &stop}), Interrupted);
  EXPECT_THROW((void)subject.stepper.infer(some_batch, {.stop = &stop}), Interrupted);
  EXPECT_EQ(subject.values(), before);
}

TEST(Step, InferenceIsTheForwardPassAlone) {
  Subject subject(constant(0.01));
  const std::vector<float> before = subject.values();
  const StepResult result = subject.stepper.infer(some_batch);
  EXPECT_EQ(result.losses, subject.lanes.evaluate(subject.model, plan_micro_batches(some_batch(), 16)).losses);
  EXPECT_GT(result.seconds, 0);
  EXPECT_TRUE(result.gradients.empty());
  EXPECT_EQ(subject.values(), before);
}

// More examples than are packed at once, in an order of their own and one of them twice.
TEST(Evaluation, GivesEachExampleItsResultInItsPlace) {
  Subject subject(constant(0.01));
  const Numbered data;
  std::vector<std::uint32_t> examples;
  for (std::uint32_t i = 0; i < 599; ++i) examples.push_back(i * 7 % 600);
  examples.push_back(0);
  const PassResult all = evaluate(subject.lanes, subject.model, data, Split::test, examples, 64);
  ASSERT_EQ(all.losses.size(), 600u);
  ASSERT_EQ(all.correct.size(), 600u);
  EXPECT_EQ(all.losses.front(), all.losses.back());
  for (const std::size_t at : {1u, 255u, 256u, 511u, 512u, 598u}) {
    const Batch one = make_batch(data, Split::test, std::span(examples).subspan(at, 1));
    const PassResult alone = subject.lanes.evaluate(subject.model, plan_micro_batches(one, 64));
    EXPECT_NEAR(all.losses[at], alone.losses[0], 1e-5) << at;
    EXPECT_EQ(all.correct[at], alone.correct[0]) << at;
  }
}

// By hand: of 25 steps with a default of every second one, and of 11 with every third, the last is always among them.
TEST(Recipe, SaysWhenToValidate) {
  Recipe recipe;
  recipe.steps = 25;
  EXPECT_EQ(recipe.validation_interval(), 2);
  recipe.steps = 11, recipe.eval_every = 3;
  std::vector<long> when;
  for (long done = 0; done <= recipe.steps; ++done)
    if (recipe.validates_after(done)) when.push_back(done);
  EXPECT_EQ(when, (std::vector<long>{3, 6, 9, 11}));
  EXPECT_EQ(recipe.validations(), 4);
  recipe.steps = 5, recipe.eval_every = 0;
  EXPECT_EQ(recipe.validation_interval(), 1) << "a tenth of few steps is one";
}

}  // namespace
}  // namespace lra
