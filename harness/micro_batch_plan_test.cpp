#include "harness/micro_batch_plan.h"

#include <gtest/gtest.h>

#include <set>

namespace lra {
namespace {

/// One sequence an example, of these lengths.
Batch batch_of(const std::vector<long>& lengths) {
  Batch batch;
  batch.offsets.push_back(0);
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    batch.ids.insert(batch.ids.end(), std::size_t(lengths[i]), std::int32_t(i));
    batch.offsets.push_back(std::int64_t(batch.ids.size()));
    batch.labels.push_back(0);
    batch.examples.push_back(std::uint32_t(i));
  }
  return batch;
}

// By hand: 9 stands alone, 5 + 3 and 2 + 2 + 1 stay within 8.
TEST(MicroBatchPlan, HasTheExamplesPositions) {
  const MicroBatchPlan plan = plan_micro_batches(batch_of({2, 9, 1, 5, 2, 3}), 8);
  ASSERT_EQ(plan.micro_batches.size(), 3u);
  EXPECT_EQ(plan.micro_batches[0].positions, (std::vector<std::size_t>{1}));
  EXPECT_EQ(plan.micro_batches[1].positions, (std::vector<std::size_t>{3, 5}));
  EXPECT_EQ(plan.micro_batches[2].positions, (std::vector<std::size_t>{0, 4, 2}));
  EXPECT_EQ(plan.examples, 6);
  EXPECT_EQ(plan.shape().examples_at_once, 3);
  EXPECT_EQ(plan.shape().lanes(), 3);
}

// Whatever their number, every micro-batch has one lane and no lane has two more than another.
TEST(MicroBatchPlan, DealsMicroBatchesEvenly) {
  for (const long count : {1L, 63L, 64L, 65L, 100L, 640L}) {
    const MicroBatchPlan plan = plan_micro_batches(batch_of(std::vector<long>(std::size_t(count), 3)), 3);
    const long lanes = plan.shape().lanes();
    EXPECT_EQ(lanes, std::min(64L, count));
    std::set<long> sizes;
    long next = 0;
    for (long lane = 0; lane < lanes; ++lane) {
      const auto [first, last] = plan.of_lane(lane);
      EXPECT_EQ(first, next) << count;
      sizes.insert(last - first);
      next = last;
    }
    EXPECT_EQ(next, count);
    EXPECT_LE(*sizes.rbegin() - *sizes.begin(), 1) << count;
  }
}

// What estimates say of a batch that is not there is what the plan of that batch is.
TEST(MicroBatchPlan, HasTheShapeThatEstimatesExpect) {
  for (const long examples : {1L, 5L, 32L, 200L})
    for (const long tokens : {1L, 7L, 30L}) {
      const PlanShape expected = plan_shape(examples, tokens, 20);
      const PlanShape shape =
          plan_micro_batches(batch_of(std::vector<long>(std::size_t(examples), tokens)), 20).shape();
      EXPECT_EQ(expected.micro_batches, shape.micro_batches) << examples << " of " << tokens;
      EXPECT_EQ(expected.examples_at_once, shape.examples_at_once) << examples << " of " << tokens;
    }
}

// By hand. Three of eight lanes are done: the sum of the first two and the third wait.
TEST(MicroBatchPlan, BoundsGradientBuffers) {
  const auto buffers = [](long lanes, long threads) { return PlanShape{lanes, 1}.gradient_buffers(threads); };
  EXPECT_EQ(buffers(1, 4), 1);
  EXPECT_EQ(buffers(2, 4), 2);
  EXPECT_EQ(buffers(8, 1), 4);
  EXPECT_EQ(buffers(8, 2), 5);
  EXPECT_EQ(buffers(1000, 2), 2 + 6);
  EXPECT_EQ((PlanShape{1000, 1}.running(100)), 64);
  EXPECT_EQ((PlanShape{3, 1}.running(100)), 3);
}

}  // namespace
}  // namespace lra
