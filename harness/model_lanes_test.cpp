// Checks every registered model in the harness: the number of threads, the division into micro-batches and a round trip
// through a file change nothing. models/testing/contract.h checks a model by itself.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "harness/lane_executor.h"
#include "harness/weights.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

const TaskSpec kTask{"test", "test", 30, 70, 3, false, 0, 0};

/// 16 examples of 1 to 70 tokens.
Batch batch() {
  const Random random(1, "test", "batch");
  Batch b;
  b.offsets.push_back(0);
  for (std::uint32_t i = 0; i < 16; ++i) {
    const std::uint32_t n = i == 0 ? 1 : 1 + random.below(70, i);
    for (std::uint32_t t = 0; t < n; ++t) b.ids.push_back(std::int32_t(random.below(30, 1000 + 80 * i + t)));
    b.offsets.push_back(b.offsets.back() + n);
    b.labels.push_back(std::int32_t(i % 3));
    b.examples.push_back(i * 7);
  }
  return b;
}

Classifier build(const std::string& model) {
  EncoderConfig shape;
  shape.width = 16, shape.ff = 24, shape.heads = 2, shape.layers = 2, shape.dropout = shape.attention_dropout = 0.1;
  return {model, Json::object(), shape, kTask, 3};
}

struct Step {
  std::vector<float> gradients;
  PassResult pass;
};

Step step(const std::string& model, long threads, long token_budget) {
  LaneExecutor lanes(threads);
  const Classifier classifier = build(model);
  Step s;
  s.pass = lanes.train(classifier, plan_micro_batches(batch(), token_budget), 5);
  s.gradients.assign(s.pass.gradients.begin(), s.pass.gradients.end());
  return s;
}

/// Empty, or what depends on the number of threads.
std::string threads_that_matter(const std::string& model) {
  const Step one = step(model, 1, 100);
  for (const long threads : {2L, 3L}) {
    const Step other = step(model, threads, 100);
    if (one.gradients != other.gradients || one.pass.losses != other.pass.losses)
      return fmt::format("{} threads give other bits than one", threads);
    if (one.pass.flops != other.pass.flops || one.pass.activation_bytes != other.pass.activation_bytes)
      return fmt::format("{} threads count other operations or bytes than one", threads);
  }
  return {};
}

std::string cuts_that_matter(const std::string& model) {
  const auto wide = [](const std::vector<float>& x) { return Numbers(x.begin(), x.end()); };
  const Step whole = step(model, 2, 100000);
  for (const long budget : {1L, 100L}) {
    const Step cut = step(model, 2, budget);
    const double gradients = relative_error(wide(cut.gradients), wide(whole.gradients));
    const double losses = relative_error(cut.pass.losses, whole.pass.losses);
    if (!(gradients < 1e-6 && losses < 1e-6))
      return fmt::format("micro-batches of {} tokens move gradients by {:.1e}, losses by {:.1e}", budget, gradients,
                         losses);
  }
  return {};
}

class EveryModelInLanes : public testing::TestWithParam<std::string> {};

TEST_P(EveryModelInLanes, GivesTheSameBitsOnAnyNumberOfThreads) { EXPECT_EQ(threads_that_matter(GetParam()), ""); }

TEST_P(EveryModelInLanes, IsNotChangedByTheCut) { EXPECT_EQ(cuts_that_matter(GetParam()), ""); }

TEST_P(EveryModelInLanes, ComesBackFromAFile) {
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("lra-{}-{}.safetensors", GetParam(), ::getpid());
  LaneExecutor lanes(1);
  Classifier saved = build(GetParam()), loaded = build(GetParam());
  const PassResult before = lanes.evaluate(saved, plan_micro_batches(batch(), 100));
  const auto values = saved.parameters().values();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += 0.01f * float(i % 7);
  write_safetensors(path, arrays_of(saved.parameters(), values));
  load_weights(path, loaded.parameters());
  std::filesystem::remove(path);
  const PassResult there = lanes.evaluate(saved, plan_micro_batches(batch(), 100)),
                   back = lanes.evaluate(loaded, plan_micro_batches(batch(), 100));
  EXPECT_NE(there.losses, before.losses);
  EXPECT_EQ(there.losses, back.losses);
  EXPECT_EQ(saved.parameters().digest(), loaded.parameters().digest());
}

INSTANTIATE_TEST_SUITE_P(All, EveryModelInLanes, testing::ValuesIn(models().names()),
                         [](const auto& instance) { return instance.param; });

/// A wrong model whose error only several threads reveal: its output depends on the calling thread.
class PerThread final : public Mixer {
 public:
  using Config = NoSettings;
  PerThread(const Config&, const LayerDims& dims, const ParameterScope& scope)
      : weight_(scope.add("weight", {dims.width, dims.width}, Init::normal(1))) {}
  Tensor forward(Tensor x, const SequenceLayout&) const override {
    static std::atomic<int> threads = 0;
    thread_local const int number = ++threads;
    return scale(linear(std::move(x), weight_), 1 + 0.1 * number);
  }

 private:
  Parameter weight_;
};

/// A wrong model whose error only the division into micro-batches reveals: a statistic over the whole pack.
class PerPack final : public Mixer {
 public:
  using Config = NoSettings;
  PerPack(const Config&, const LayerDims&, const ParameterScope&) {}
  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    return scale(std::move(x), 1.0 / double(layout.tokens()));
  }
};

// Registers the wrong models here, after the suite above was instantiated with the names of the valid ones.
TEST(ModelsInLanes, AreCaughtWhenTheyAreWrong) {
  const RegisterModel<PerThread> per_thread{"per_thread", {}};
  const RegisterModel<PerPack> per_layout{"per_pack", {}};
  EXPECT_NE(threads_that_matter("per_thread"), "");
  EXPECT_NE(cuts_that_matter("per_pack"), "");
}

}  // namespace
}  // namespace lra
