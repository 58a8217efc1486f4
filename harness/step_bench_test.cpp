#include "harness/step_bench.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace lra {
namespace {

StepBenchTask task_of(const std::string& model) {
  StepBenchTask task;
  task.model = model, task.batch = 2, task.seconds = 0.01, task.lengths = {1, 40};
  task.encoder = {{"width", 16}, {"layers", 2}, {"heads", 2}};
  return task;
}

// Source: for each layer and token a key and a value of 16 floats, and the running sum of 16 features that are pooled;
// a recurrence of H = 2 heads has (D,D+1) numbers each, whatever the length.
TEST(StepBench, CountsTheBytesOfStates) {
  for (const StepCost& cost : bench_steps(task_of("transformer")))
    EXPECT_EQ(cost.state_bytes, 4 * (2 * 2 * 16 * cost.length + 16));
  for (const StepCost& cost : bench_steps(task_of("linear"))) EXPECT_EQ(cost.state_bytes, 4 * (2 * 2 * 8 * 9 + 16));
}

TEST(StepBench, MeasuresEachLength) {
  const std::vector<StepCost> costs = bench_steps(task_of("gru"));
  ASSERT_EQ(costs.size(), 2u);
  EXPECT_EQ(costs[1].length, 40);
  EXPECT_EQ(costs[0].state_bytes, costs[1].state_bytes);
  for (const StepCost& cost : costs) {
    EXPECT_GT(cost.p10_ms, 0);
    EXPECT_LE(cost.p10_ms, cost.median_ms);
    EXPECT_LE(cost.median_ms, cost.p90_ms);
  }
}

TEST(StepBench, SaysWhyAModelHasNoStepForm) {
  const auto reason = [](const std::string& model) -> std::string {
    try {
      (void)bench_steps(task_of(model));
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(reason("linformer"),
            "linformer has no step form: it has no setting causal, with which no token sees a later one");
  EXPECT_EQ(reason("longformer"), "attention by a pattern has no step form: it needs all tokens at once");
}

}  // namespace
}  // namespace lra
