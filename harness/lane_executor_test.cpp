#include "harness/lane_executor.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <new>

#include "core/error.h"
#include "core/json.h"
#include "core/machine.h"
#include "models/optim/adam.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/onednn.h"
#include "tasks/batcher.h"

namespace lra {
namespace {

const TaskSpec kTask{"test", "test", 30, 24, 3, false, 0, 0};

/// 37 examples of 1 to 24 tokens.
Batch batch() {
  const Random random(1, "test", "batch");
  Batch b;
  b.offsets.push_back(0);
  for (std::uint32_t i = 0; i < 37; ++i) {
    const std::uint32_t n = 1 + random.below(24, i);
    for (std::uint32_t t = 0; t < n; ++t) b.ids.push_back(std::int32_t(random.below(30, 1000 + 50 * i + t)));
    b.offsets.push_back(b.offsets.back() + n);
    b.labels.push_back(std::int32_t(i % 3));
    b.examples.push_back(i * 7);
  }
  return b;
}

EncoderConfig shape() {
  EncoderConfig c;
  c.width = 16, c.ff = 24, c.heads = 2, c.layers = 2, c.dropout = 0.1, c.attention_dropout = 0.1;
  return c;
}

struct Result {
  std::vector<float> gradients;
  PassResult pass;
};

Result train(long threads, long token_budget) {
  LaneExecutor lanes(threads);
  const Classifier classifier("transformer", Json::object(), shape(), kTask, 3);
  Result r;
  r.pass = lanes.train(classifier, plan_micro_batches(batch(), token_budget), 5);
  r.gradients.assign(r.pass.gradients.begin(), r.pass.gradients.end());
  return r;
}

// One micro-batch an example, some of them, and all in one: the cut is part of the recipe, threads are not.
TEST(LaneExecutor, BitsDoNotDependOnThreads) {
  for (const long budget : {1L, 60L, 100000L}) {
    const Result one = train(1, budget);
    for (const long threads : {2L, 3L, 5L})
      for (int again = 0; again < 3; ++again) {
        const Result other = train(threads, budget);
        EXPECT_EQ(one.gradients, other.gradients) << threads << " threads, budget " << budget;
        EXPECT_EQ(one.pass.losses, other.pass.losses);
        EXPECT_EQ(one.pass.flops, other.pass.flops);
        EXPECT_EQ(one.pass.activation_bytes, other.pass.activation_bytes);
      }
  }
}

TEST(LaneExecutor, EvaluationGivesEachExampleItsOwnResult) {
  LaneExecutor lanes(2);
  const Classifier classifier("local", Json::object(), shape(), kTask, 3);
  const Batch all = batch();
  const PassResult together = lanes.evaluate(classifier, plan_micro_batches(all, 64));
  for (const std::size_t i : {0u, 17u, 36u}) {
    Batch one;
    one.offsets = {0, all.offsets[i + 1] - all.offsets[i]};
    one.ids.assign(all.ids.begin() + all.offsets[i], all.ids.begin() + all.offsets[i + 1]);
    one.labels = {all.labels[i]};
    one.examples = {all.examples[i]};
    const PassResult alone = lanes.evaluate(classifier, plan_micro_batches(one, 64));
    EXPECT_NEAR(alone.losses[0], together.losses[i], 1e-5);
    EXPECT_EQ(alone.correct[0], together.correct[i]);
  }
}

// At most threads + log2(64 lanes) buffers, whatever the batch; activations of one micro-batch, whatever the batch.
TEST(LaneExecutor, MemoryDoesNotGrowWithTheBatch) {
  const Classifier classifier("transformer", Json::object(), shape(), kTask, 3);
  const auto bytes = [&](long examples) {
    Batch b;
    b.offsets.push_back(0);
    for (long i = 0; i < examples; ++i) {
      b.ids.insert(b.ids.end(), 24, std::int32_t(i % 30));
      b.offsets.push_back(std::int64_t(b.ids.size()));
      b.labels.push_back(0);
      b.examples.push_back(std::uint32_t(i));
    }
    LaneExecutor lanes(3);
    const std::int64_t activations = lanes.train(classifier, plan_micro_batches(b, 24), 0).activation_bytes;
    return std::pair{lanes.gradient_bytes(), activations};
  };
  const auto small = bytes(32), large = bytes(256);
  const std::int64_t flat = std::int64_t(sizeof(float)) * classifier.parameters().count();
  EXPECT_LE(small.first, (3 + 6) * flat);
  EXPECT_LE(large.first, (3 + 6) * flat);
  EXPECT_EQ(small.second, large.second);
}

TEST(LaneExecutor, ErrorsComeOutOnceAllHaveEnded) {
  LaneExecutor lanes(3);
  std::atomic<long> ran = 0;
  const auto work = [&](long i) {
    ++ran;
    if (i == 4 || i == 9) fail("number {}", i);
  };
  try {
    lanes.workers().run(20, work);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "number 4");
  }
  EXPECT_EQ(ran, 20);
  lanes.workers().run(5, [&](long) { ++ran; });
  EXPECT_EQ(ran, 25);
  EXPECT_THROW(LaneExecutor(0), Error);
  EXPECT_EQ(LaneExecutor(1000).threads(), 64) << "a step has no use for more";
}

// A bad example ends the step with its sentence, and the next step starts clean.
TEST(LaneExecutor, AStepThatFailsLeavesTheLanesUsable) {
  LaneExecutor lanes(3);
  const Classifier classifier("transformer", Json::object(), shape(), kTask, 3);
  Batch bad = batch();
  bad.ids[40] = 30;  // the vocabulary ends at 29
  for (int again = 0; again < 5; ++again)
    EXPECT_THROW((void)lanes.train(classifier, plan_micro_batches(bad, 1), 5), Error);
  const PassResult pass = lanes.train(classifier, plan_micro_batches(batch(), 1), 5);
  EXPECT_EQ(std::vector<float>(pass.gradients.begin(), pass.gradients.end()), train(1, 1).gradients);
}

// Bits after ten steps of training, recorded with the release build; a debug build with sanitizers runs this very test,
// so the two are held to the same bits. They are promised for one instruction set and one oneDNN.
TEST(LaneExecutor, TrainingGivesTheRecordedBits) {
  const std::string machine = std::string(kernels::instruction_set()) + ", oneDNN " + onednn_version();
  const std::map<std::string, std::string> recorded = {
      {"AVX3, oneDNN 2.6.3", "f285af4ed0ad8147065601afa34f91de50cbc7f7d793efef9656167d50a0da82"}};
  LaneExecutor lanes(2);
  Classifier classifier("transformer", Json::object(), shape(), kTask, 3);
  Recipe recipe;
  recipe.weight_decay = 0.01;
  Adam adam(classifier.parameters().count(), recipe);
  for (std::uint32_t step = 0; step < 10; ++step) {
    const PassResult pass = lanes.train(classifier, plan_micro_batches(batch(), 60), step);
    const auto values = classifier.parameters().values();
    adam.apply(adam.at(step, 1e-3, 1), pass.gradients, values, 0, long(values.size()));
  }
  const auto found = recorded.find(machine);
  if (found == recorded.end()) GTEST_SKIP() << "no bits were recorded for " << machine;
  EXPECT_EQ(classifier.parameters().digest(), found->second);
}

// Labels follow from one token, so a few steps of plain gradient descent must lower the loss.
TEST(LaneExecutor, GradientsDescend) {
  LaneExecutor lanes(2);
  Classifier classifier("linear", Json::object(), shape(), kTask, 3);
  Batch b = batch();
  for (std::size_t i = 0; i < b.labels.size(); ++i) b.labels[i] = b.ids[std::size_t(b.offsets[i])] % 3;
  const auto mean = [](const PassResult& p) {
    double sum = 0;
    for (const double l : p.losses) sum += l;
    return sum / double(p.losses.size());
  };
  const double before = mean(lanes.evaluate(classifier, plan_micro_batches(b, 100)));
  for (std::uint32_t step = 0; step < 30; ++step) {
    const PassResult pass = lanes.train(classifier, plan_micro_batches(b, 100), step);
    const auto values = classifier.parameters().values();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] -= 0.1f * pass.gradients[i];
  }
  EXPECT_LT(mean(lanes.evaluate(classifier, plan_micro_batches(b, 100))), 0.8 * before);
}

/// Calls `action` in a process that may have `bytes` more; its exit code says how that ended.
template <typename Action>
void with_memory(std::int64_t bytes, Action action) {
  const rlimit limit{rlim_t(process_bytes("VmData") + bytes), RLIM_INFINITY};
  setrlimit(RLIMIT_DATA, &limit);
  try {
    action();
    _exit(0);
  } catch (const std::bad_alloc&) {
    _exit(7);
  } catch (const Error&) {
    _exit(8);
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Those that have begun wait for work: they are told to end, and nobody waits for the others.
TEST(LaneExecutorDeathTest, AWorkerThatCannotBeStartedIsAnError) {
  EXPECT_EXIT(with_memory(50 << 20, [] { const LaneExecutor lanes(60); }), testing::ExitedWithCode(7), "");
}

// 37 lanes, at most seven buffers for them: whoever waits for one that will never come back must be told.
TEST(LaneExecutorDeathTest, ABufferThatCannotBeHadIsAnError) {
  const EncoderConfig large = parse<EncoderConfig>(Settings{{"width", 512}, {"qkv", 512}, {"ff", 2048}}, "encoder");
  const Classifier classifier("identity", Json::object(), large, kTask, 3);
  const std::int64_t flat = std::int64_t(sizeof(float)) * classifier.parameters().count();
  const auto step = [&] {
    LaneExecutor lanes(2);
    for (int again = 0; again < 2; ++again) {
      try {
        (void)lanes.train(classifier, plan_micro_batches(batch(), 1), 5);
      } catch (const std::bad_alloc&) {
        if (again) throw;
      }
    }
  };
  EXPECT_EXIT(with_memory((100 << 20) + flat, step), testing::ExitedWithCode(7), "");
}
#endif

}  // namespace
}  // namespace lra
