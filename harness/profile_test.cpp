#include "harness/profile.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "harness/lane_executor.h"
#include "models/autodiff/tape.h"

namespace lra {
namespace {

const TaskSpec kTask{"test", "test", 30, 24, 3, false, 0, 0};

Batch batch() {
  Batch b;
  b.offsets.push_back(0);
  for (std::uint32_t i = 0; i < 12; ++i) {
    for (std::uint32_t t = 0; t < 24; ++t) b.ids.push_back(std::int32_t((i * 7 + t) % 30));
    b.offsets.push_back(std::int64_t(b.ids.size()));
    b.labels.push_back(std::int32_t(i % 3));
    b.examples.push_back(i);
  }
  return b;
}

EncoderConfig shape() {
  EncoderConfig c;
  c.width = 16, c.ff = 24, c.heads = 2, c.layers = 2, c.dropout = 0.1, c.attention_dropout = 0.1;
  return c;
}

/// An op that takes `milliseconds` forward and twice as long backward.
Tensor pause(const Tensor& x, int milliseconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < until) {
  }
  Context::current().work.flops += 1000.0 * milliseconds;
  return record(Tensor::copy_of(x), [x = x.without_data(), milliseconds](Tensor dy) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2 * milliseconds);
    while (std::chrono::steady_clock::now() < end) {
    }
    accumulate_gradient(x, std::move(dy));
  });
}

TEST(Profile, GivesEachOpWhatPassedSinceTheLast) {
  Profile profile;
  Context::current().profile = &profile;
  std::vector<float> gradients(1), number{1};
  {
    Tape tape(gradients);
    Tensor x = Tensor::borrow(number.data(), {1});
    x.set_parameter(0);
    profile.start();
    enter_layer("first");
    const Tensor y = pause(pause(x, 4), 4);
    enter_layer("second");
    const Tensor z = pause(y, 8);
    accumulate_gradient(z, Tensor::copy_of(z));
    tape.backward();
  }
  Context::current().profile = nullptr;
  ASSERT_EQ(profile.rows().size(), 2u);
  const ProfileRow &first = profile.rows()[0], &second = profile.rows()[1];
  EXPECT_EQ(first.layer, "first");
  EXPECT_EQ(second.layer, "second");
  for (const ProfileRow* row : {&first, &second}) {
    EXPECT_EQ(row->op, "pause");
    EXPECT_EQ(row->forward.flops, 8000);
    EXPECT_GE(row->forward.seconds, 0.008);
    EXPECT_GE(row->backward.seconds, 0.016);
  }
  EXPECT_EQ(first.forward.calls, 2);
  EXPECT_EQ(second.backward.calls, 1);
  EXPECT_EQ(first.forward.bytes, 2 * 8);  // two calls, each of which reads and writes one float
}

// The ops' operations add up to the step's on any number of threads, and profiling changes no bit.
TEST(Profile, AccountsForAStep) {
  const Classifier classifier("transformer", Json::object(), shape(), kTask, 3);
  for (const long threads : {1L, 3L}) {
    LaneExecutor lanes(threads);
    const PassResult plain = lanes.train(classifier, plan_micro_batches(batch(), 60), 5);
    const std::vector<float> gradients(plain.gradients.begin(), plain.gradients.end());
    EXPECT_TRUE(plain.profile.empty());
    const PassResult pass = lanes.train(classifier, plan_micro_batches(batch(), 60), 5, {.profile = true});
    EXPECT_EQ(std::vector<float>(pass.gradients.begin(), pass.gradients.end()), gradients);
    std::set<std::string> layers;
    double flops = 0, forward = 0;
    for (const ProfileRow& row : pass.profile) {
      layers.insert(row.layer);
      flops += row.forward.flops + row.backward.flops;
      forward += row.forward.flops;
    }
    EXPECT_DOUBLE_EQ(flops, pass.flops);
    EXPECT_DOUBLE_EQ(forward, lanes.evaluate(classifier, plan_micro_batches(batch(), 60)).flops);
    EXPECT_EQ(layers, (std::set<std::string>{"", "embedding", "encoder.0.feed", "encoder.0.mixer", "encoder.1.feed",
                                             "encoder.1.mixer", "encoder.norm", "head"}));
  }
}

TEST(Profile, DividesTheThreadsTime) {
  StepProfile profile{.steps = 10, .threads = 2, .seconds = 5, .data_seconds = 0.5, .optimiser_seconds = 1};
  profile.rows = {{"head", "linear", {1, 2, 0, 0}, {1, 3, 0, 0}}, {"", "reduction", {1, 0.5, 0, 0}, {}}};
  const TimeShares shares = shares_of(profile);
  EXPECT_EQ(shares.total, 10);
  EXPECT_EQ(shares.model, 5);
  EXPECT_EQ(shares.data, 1);
  EXPECT_EQ(shares.reduction, 0.5);
  EXPECT_EQ(shares.optimiser, 2);
  EXPECT_EQ(shares.scheduling, 1.5);
  EXPECT_EQ(encode(decode_profile(encode(profile))), encode(profile));
}

}  // namespace
}  // namespace lra
