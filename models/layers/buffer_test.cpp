/// Buffers, metrics, auxiliary losses and stopped derivatives.
#include "models/layers/buffer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/ops/ops.h"

namespace lra {
namespace {

SequenceLayout one_sequence(double weight) {
  SequenceLayout layout;
  layout.offsets = {0, 2}, layout.sequences = {0}, layout.weight = weight;
  return layout;
}

Tensor row(std::initializer_list<float> values) {
  Tensor t = Tensor::empty({long(values.size())});
  std::copy(values.begin(), values.end(), t.data());
  return t;
}

struct Step : testing::Test {
  Parameters parameters{1};
  ParameterScope scope{parameters, ""};
  std::vector<float> gradients;
  float gradient(long i) const { return gradients.at(std::size_t(i)); }
};

TEST_F(Step, ParametersWithOtherOptionsHaveRangesOfTheirOwn) {
  const TrainingOptions slow{.most_lr = 1e-3, .weight_decay = false};
  (void)scope.add("a", {3}, Init::ones());
  (void)scope.add("b", {2}, Init::ones());
  (void)scope.add("c", {4}, Init::rows({1, 2}), slow);
  (void)scope.add("d", {1}, Init::ones(), slow);
  (void)scope.add("e", {1}, Init::ones());
  EXPECT_EQ(parameters.trained_ranges_by_options(),
            (std::vector<TrainedRange>{{0, 5, {}}, {5, 10, slow}, {10, 11, {}}}));
  EXPECT_EQ(parameters.trained_ranges(), (std::vector<std::pair<long, long>>{{0, 11}}));
  EXPECT_EQ(std::vector(parameters.values().begin() + 5, parameters.values().begin() + 9),
            (std::vector<Real>{1, 2, 1, 2}));
}

TEST_F(Step, ATiedLayerHasTheParametersOfAnotherAndItsOwnDropout) {
  const ParameterScope first = scope / "0", second = (scope / "1").tied_to("0");
  (void)(first / "in").add("weight", {2, 3}, Init::normal(1));
  const auto rule = [](std::span<Real>, std::span<const Real>) {};
  (void)first.add_buffer("mean", {2}, Init::zeros(), rule, false);
  (void)(second / "in").add("weight", {2, 3}, Init::normal(1));
  (void)second.add_buffer("mean", {2}, Init::zeros(), rule, false);
  EXPECT_EQ(parameters.count(), 8);
  EXPECT_EQ(second.path(), "1");
  EXPECT_NE(first.random("dropout", "out").key(), second.random("dropout", "out").key());
  EXPECT_THROW((void)(second / "out").add("weight", {2, 3}, Init::ones()), std::exception);
  EXPECT_THROW((void)(second / "in").add("weight", {3, 2}, Init::ones()), std::exception);
}

TEST_F(Step, AnInitialDistributionMayBeAFunctionOfAnother) {
  Parameters others(1);
  const auto log = [](double x) { return std::log(x); };
  (void)parameters.add("x", {50}, Init::uniform(1, 16));
  (void)others.add("x", {50}, Init::mapped(log, Init::uniform(1, 16)));
  for (std::size_t i = 0; i < 50; ++i) EXPECT_NEAR(others.values()[i], std::log(double(parameters.values()[i])), 1e-6);
}

TEST_F(Step, InitialValuesMayBeComputedFromEarlierOnes) {
  const Parameter before = scope.add("before", {2, 2}, Init::normal(1));
  const auto sums = [&] {
    const Tensor x = before;
    return std::vector<double>{double(x.data()[0]) + double(x.data()[2]), double(x.data()[1]) + double(x.data()[3])};
  };
  (void)scope.add("after", {2, 2}, Init::computed(sums));
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(parameters.values()[4 + i],
              Real(double(parameters.values()[i % 2]) + double(parameters.values()[2 + i % 2])));
  Parameters described(1, false);
  const ParameterScope nowhere(described, "");
  (void)nowhere.add("after", {2, 2},
                    Init::computed([]() -> std::vector<double> { throw std::logic_error("no values"); }));
  EXPECT_EQ(described.count(), 4);
}

TEST_F(Step, ABufferSumsWhatPassesAddAndIsNotTrained) {
  (void)scope.add("before", {3}, Init::ones());
  const Buffer buffer(scope, "state", {2}, Init::constant(5), [](std::span<Real> values, std::span<const Real> sums) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += sums[i];
  });
  (void)scope.add("after", {1}, Init::ones());
  EXPECT_EQ(parameters.count(), 6);
  EXPECT_EQ(parameters.trained(), 4);
  EXPECT_EQ(parameters.trained_ranges(), (std::vector<std::pair<long, long>>{{0, 3}, {5, 6}}));
  buffer.add(row({9, 9}));  // no effect without a tape
  gradients.resize(6);
  Tape tape(gradients);
  buffer.add(row({9, 9}));  // no effect with a tape but outside of training
  const Training training;
  EXPECT_FALSE(wants_gradient(buffer.values()));
  EXPECT_EQ(buffer.values().data()[1], 5);
  buffer.add(row({1, 2}));
  buffer.add(row({10, 20}));
  EXPECT_EQ(gradients, (std::vector<float>{0, 0, 0, 11, 22, 0}));
  const ParameterInfo& info = parameters.list().at(1);
  info.rule(parameters.values().subspan(3, 2), std::span<const float>(gradients).subspan(3, 2));
  EXPECT_EQ(buffer.values().data()[0], 16);
  EXPECT_EQ(buffer.values().data()[1], 27);
}

TEST_F(Step, AMetricIsTheWeightedSum) {
  const Metric metric(scope, "dropped");
  ASSERT_TRUE(parameters.list().at(0).is_metric);
  gradients.resize(1);
  const Training training;
  Tape tape(gradients);
  metric.add(3, one_sequence(0.25));
  metric.add(1, one_sequence(0.25));
  parameters.list()[0].rule(parameters.values(), gradients);
  EXPECT_EQ(parameters.values()[0], 1.0f);
}

TEST_F(Step, AModelsOwnLossPullsByItsCoefficientAndTheExamplesWeight) {
  const Parameter w = scope.add("w", {2}, Init::constant(3));
  gradients.resize(2);
  Tape tape(gradients);
  auxiliary_loss(scale(w, 2), 0.5, one_sequence(0.1));
  EXPECT_NEAR(tape.auxiliary(), 0.5 * 0.1 * (6 + 6), 1e-7);
  tape.backward();
  EXPECT_NEAR(gradient(0), 2 * 0.5 * 0.1, 1e-7);
  EXPECT_NEAR(gradient(1), 2 * 0.5 * 0.1, 1e-7);
}

TEST_F(Step, WhereAGradientIsStoppedNonePasses) {
  const Parameter w = scope.add("w", {1}, Init::constant(3));
  gradients.resize(1);
  Tape tape(gradients);
  auxiliary_loss(multiply(w, stop_gradient(scale(w, 1))), 1, one_sequence(1));  // w·c with c = 3, not w²
  tape.backward();
  EXPECT_EQ(gradient(0), 3);
}

TEST_F(Step, StoppedValuesAreNotedAndPutBackInTheirOrder) {
  std::vector<std::vector<Real>> values;
  {
    const Stopped noting(values);
    (void)stop_gradient(row({1, 2}));
    (void)stop_gradient(row({3}));
  }
  EXPECT_EQ(values, (std::vector<std::vector<Real>>{{1, 2}, {3}}));
  const Stopped constants(values);
  EXPECT_EQ(stop_gradient(row({7, 8})).data()[1], 2);
  EXPECT_EQ(stop_gradient(row({9})).data()[0], 3);
}

}  // namespace
}  // namespace lra
