#include "tasks/batcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "datasets/cache.h"

namespace lra {
namespace {

/// Return data whose example i has `lengths[i]` tokens of value i and the label i. In pairs the second sequence is one
/// token.
std::unique_ptr<Dataset> data_of(const std::vector<long>& lengths, bool paired = false) {
  Corpus corpus;
  corpus.paired = paired;
  for (auto& split : corpus.splits)
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const auto tokens = std::vector<std::uint16_t>(std::size_t(lengths[i]), std::uint16_t(i));
      if (paired)
        split.add(tokens, std::vector<std::uint16_t>{std::uint16_t(100 + i)}, int(i));
      else
        split.add(tokens, int(i));
    }
  return in_memory(corpus);
}

TEST(Batcher, PacksInTheOrderGiven) {
  const std::vector<std::uint32_t> indices{2, 0};
  const Batch batch = make_batch(*data_of({1, 2, 3}), Split::valid, indices);
  EXPECT_EQ(batch.ids, (std::vector<std::int32_t>{2, 2, 2, 0}));
  EXPECT_EQ(batch.offsets, (std::vector<std::int64_t>{0, 3, 4}));
  EXPECT_EQ(batch.labels, (std::vector<std::int32_t>{2, 0}));
  EXPECT_EQ(batch.examples, indices);
  EXPECT_FALSE(batch.paired);
}

TEST(Batcher, PacksPairsAsNeighbours) {
  const std::vector<std::uint32_t> indices{1, 0};
  const Batch batch = make_batch(*data_of({1, 2}, true), Split::train, indices);
  EXPECT_EQ(batch.ids, (std::vector<std::int32_t>{1, 1, 101, 0, 100}));
  EXPECT_EQ(batch.offsets, (std::vector<std::int64_t>{0, 2, 3, 4, 5}));
  EXPECT_TRUE(batch.paired);
  EXPECT_EQ(batch.size(), 2);
  EXPECT_EQ(batch.sequences(), 4);
}

TEST(Batcher, EveryEpochHoldsEveryExampleOnce) {
  constexpr long kExamples = 37, kBatch = 8, kEpochs = 5;
  EpochSampler order(kExamples, kBatch, 1);
  std::vector<std::uint32_t> all;
  for (long step = 0; long(all.size()) < kEpochs * kExamples; ++step)
    for (const auto index : order.indices(step)) all.push_back(index);
  std::set<std::vector<std::uint32_t>> orders;
  for (long epoch = 0; epoch < kEpochs; ++epoch) {
    std::vector<std::uint32_t> seen(all.begin() + epoch * kExamples, all.begin() + (epoch + 1) * kExamples);
    orders.insert(seen);
    std::sort(seen.begin(), seen.end());
    for (std::uint32_t i = 0; i < kExamples; ++i) ASSERT_EQ(seen[i], i);
  }
  EXPECT_EQ(orders.size(), std::size_t(kEpochs));
}

TEST(Batcher, AStepsExamplesDoNotDependOnWhatWasAskedBefore) {
  EpochSampler forward(10, 25, 7), jumping(10, 25, 7);  // a batch is two and a half epochs
  std::vector<std::vector<std::uint32_t>> steps;
  for (long step = 0; step < 6; ++step) steps.push_back(forward.indices(step));
  for (const long step : {5, 0, 3, 1, 4, 2}) EXPECT_EQ(jumping.indices(step), steps[std::size_t(step)]);
  EXPECT_NE(EpochSampler(10, 25, 8).indices(0), steps[0]);
}

TEST(Batcher, CutKeepsTheBudgetAndEveryExample) {
  const std::vector<std::uint32_t> indices{0, 1, 2, 3, 4, 5};
  const Batch batch = make_batch(*data_of({3, 9, 1, 4, 20, 4}), Split::train, indices);
  std::vector<std::vector<std::uint32_t>> pieces;
  for (const auto& [piece, positions] : cut(batch, 10)) {
    EXPECT_TRUE(piece.tokens() <= 10 || piece.size() == 1);
    EXPECT_EQ(piece.offsets.back(), piece.tokens());
    for (long b = 0; b < piece.size(); ++b)
      EXPECT_EQ(piece.ids[std::size_t(piece.offsets[std::size_t(b)])], piece.labels[std::size_t(b)]);
    ASSERT_EQ(positions.size(), piece.examples.size());
    for (std::size_t b = 0; b < positions.size(); ++b) EXPECT_EQ(batch.examples[positions[b]], piece.examples[b]);
    pieces.push_back(piece.examples);
  }
  // Lengths 20 | 9 | 4 4 | 3 1: with the 3, the two 4s would have 11 tokens.
  EXPECT_EQ(pieces, (std::vector<std::vector<std::uint32_t>>{{4}, {1}, {3, 5}, {0, 2}}));
}

TEST(Batcher, CutKeepsPairsTogether) {
  const std::vector<std::uint32_t> indices{0, 1, 2};
  const auto pieces = cut(make_batch(*data_of({2, 5, 3}, true), Split::train, indices), 7);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].batch.ids, (std::vector<std::int32_t>{1, 1, 1, 1, 1, 101}));
  EXPECT_EQ(pieces[1].batch.ids, (std::vector<std::int32_t>{2, 2, 2, 102, 0, 0, 100}));
  EXPECT_EQ(pieces[1].batch.offsets, (std::vector<std::int64_t>{0, 3, 4, 6, 7}));
  EXPECT_TRUE(pieces[1].batch.paired);
  EXPECT_EQ(pieces[0].positions, (std::vector<std::size_t>{1}));
  EXPECT_EQ(pieces[1].positions, (std::vector<std::size_t>{2, 0}));
}

// A batch that lies across two epochs may contain an example twice; each occurrence keeps its own position.
TEST(Batcher, CutGivesTheSameExampleTwoPositions) {
  const std::vector<std::uint32_t> indices{1, 0, 1};
  const auto pieces = cut(make_batch(*data_of({2, 3}), Split::train, indices), 3);
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces[0].positions, (std::vector<std::size_t>{0}));
  EXPECT_EQ(pieces[1].positions, (std::vector<std::size_t>{2}));
  EXPECT_EQ(pieces[2].positions, (std::vector<std::size_t>{1}));
}

}  // namespace
}  // namespace lra
