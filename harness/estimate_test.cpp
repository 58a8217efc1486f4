#include "harness/estimate.h"

#include <gtest/gtest.h>

#include <chrono>

#include "harness/experiment.h"
#include "harness/measure.h"
#include "harness/trial_data.h"
#include "results/results_testing.h"

namespace lra {
namespace {

// By hand: 3n + 2n² is 44 at 4 and 152 at 8.
TEST(Growth, GoesThroughWhatWasMeasured) {
  const Growth quadratic(4, 44, 8, 152, 2);
  EXPECT_NEAR(quadratic(4), 44, 1e-9);
  EXPECT_NEAR(quadratic(16), 560, 1e-9);
  const Growth linear(4, 44, 8, 152, 1);
  EXPECT_NEAR(linear(16), 304, 1e-9);
  const Growth slower(4, 60, 8, 80, 2);  // noise that no growth explains: as the longer one was
  EXPECT_NEAR(slower(16), 160, 1e-9);
  const Growth faster(4, 1, 8, 64, 2);
  EXPECT_NEAR(faster(16), 256, 1e-9);
}

// Images have one length, so that all can be counted from one example: training steps, four validations and a test.
TEST(Estimate, CountsWhatACellWillDo) {
  const TemporaryFolder folder;
  for (const std::string model : {"transformer", "linformer"}) {
    const Experiment e =
        make_experiment("image", "smoke", model, 0, 0, {Json{{"steps", 11}, {"eval_every", 3}}, Json::object()});
    const Estimate estimated = estimate(e, {"", folder.path()}, 2, 0.3);
    const Classifier classifier(e.model, e.model_settings, parse<EncoderConfig>(e.plan.encoder, "encoder"), e.plan.spec,
                                0);
    const ExampleCost one = cost_of_example(classifier, e.plan.spec);
    const double trained = double(11 * e.plan.recipe.batch), evaluated = 4 * 32 + 32;
    EXPECT_EQ(estimated.parameters, classifier.parameters().count());
    EXPECT_NEAR(estimated.flops, trained * one.training_flops + evaluated * one.inference_flops,
                1e-6 * estimated.flops);
    EXPECT_GT(estimated.seconds, 0);
    EXPECT_NE(estimated.basis.find("one size"), std::string::npos) << estimated.basis;
  }
}

TEST(Estimate, HasTheMemoryOfTheRun) {
  const TemporaryFolder folder;
  const DataPaths paths{"", folder.path()};
  const Experiment e = make_experiment("image", "smoke", "transformer", 0, 0, {});
  const auto data = open_data(e.plan, paths);
  Execution alone;
  // Time enough for whole examples, sanitizers or not: from shorter ones the figure is put together.
  EXPECT_EQ(estimate(e, paths, 1, 8).peak_bytes, train(e, *data, alone, {}).peak_bytes);
}

// By hand: value, two moments and the best value, 4 copies; of 8 examples that are micro-batches of their own, one is
// at work on each of 2 threads and log2(8) = 3 more gradients wait to be added. At most as many gradients as
// micro-batches.
TEST(BytesOfParameters, AreThoseOfCopiesAndGradients) {
  const Json set{{"batch", 8}, {"token_budget", 1}};
  Experiment e = make_experiment("image", "smoke", "transformer", 0, 0, {set, Json::object()});
  const std::int64_t all = 4 * count_parameters(e);
  EXPECT_EQ(bytes_of_parameters(e, 2), (4 + 2 + 3) * all);
  EXPECT_EQ(bytes_of_parameters(e, 64), (4 + 8) * all);
  e.plan.recipe.selection = "last";
  EXPECT_EQ(bytes_of_parameters(e, 2), (3 + 2 + 3) * all);
}

// By hand: a step of one example keeps at least the H matrices N×N of each layer, though it is extrapolated from 128
// tokens. Without the setting a step keeps none.
TEST(NeededBytes, GrowWithTheSquareOfTheLengthWhereProbabilitiesAreStored) {
  const auto needed = [](bool materialized) {
    const Experiment e = make_experiment(
        "text", "smoke", "transformer", 0, 0,
        {Json{{"length", 2048}, {"heads", 4}}, Json{{"transformer", {{"materialized", materialized}}}}});
    const double matrices = double(parse<EncoderConfig>(e.plan.encoder, "encoder").layers) * 4 * 2048 * 2048;
    return double(needed_bytes(e, 1, std::int64_t{1} << 40)) / (matrices * sizeof(float));
  };
  EXPECT_GT(needed(true) - needed(false), 1);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::chrono::seconds kMost{100};  // up to a hundred times slower, and the first step is never cut off
#else
constexpr std::chrono::seconds kMost{8};
#endif

// A step of this cell takes the better part of a minute: it is put together from shorter examples.
TEST(Estimate, KeepsToItsTimeWhateverTheCell) {
  const TemporaryFolder folder;
  const auto start = std::chrono::steady_clock::now();
  const Experiment e = make_experiment("listops", "lra", "transformer", 0, 0, {});
  const Estimate estimated = estimate(e, {"", folder.path()}, 1, 0.5);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kMost);
  // Dense layers alone: 6 operations a parameter and token, 4 blocks of 4·512² + 2·512·1024 parameters.
  const double dense = 6.0 * 4 * (4 * 512 * 512 + 2 * 512 * 1024);
  EXPECT_GT(estimated.flops, dense * 500 * 32 * 5000);
  EXPECT_LT(estimated.flops, 2 * dense * 2000 * 32 * 5000);
  EXPECT_GT(estimated.seconds, 3600);
}

TEST(TrialData, IsTheBeginningOfWhatTheCellWillSee) {
  const TemporaryFolder folder;
  const DataPaths paths{"", folder.path()};
  const Experiment e = make_experiment("listops", "smoke", "identity", 0, 0, {});
  const TrialData trial = trial_data(e.plan, paths);
  EXPECT_NE(trial.basis.find("made for this"), std::string::npos) << trial.basis;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "nothing is prepared";
  EXPECT_EQ(trial.sizes, (std::array<long, 3>{64, 32, 32}));
  const auto data = open_data(e.plan, paths);
  for (long i = 0; i < 32; ++i) {
    const auto few = trial.examples->at(Split::valid, i).tokens, all = data->at(Split::valid, i).tokens;
    EXPECT_TRUE(std::equal(few.begin(), few.end(), all.begin(), all.end())) << i;
  }
  EXPECT_EQ(trial_data(e.plan, paths).basis, "its data");
}

TEST(TrialData, HasTheMaximumLengthWhereNothingIsThere) {
  const TemporaryFolder folder;
  const Experiment e = make_experiment("text", "small", "identity", 0, 0, {});
  const TrialData trial = trial_data(e.plan, {folder.path(), folder.path()});
  EXPECT_NE(trial.basis.find("maximum length"), std::string::npos) << trial.basis;
  EXPECT_EQ(trial.examples->at(Split::train, 3).tokens.size(), 4000u);
  EXPECT_EQ(trial.sizes, (std::array<long, 3>{}));
}

}  // namespace
}  // namespace lra
