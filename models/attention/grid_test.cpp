/// Models that attend along rows and columns, against dense masks over the cells of the grid.
#include <gtest/gtest.h>

#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

bool everything(long, long) { return true; }

/// The number of columns of the squarest grid for sequences of up to n tokens.
long side_of(long n) {
  long side = 1;
  while (side * side < n) ++side;
  return side;
}

struct GridTrial : Trial {
  GridTrial(const std::string& model, Json settings, std::vector<long> lengths)
      : Trial(model, std::move(settings), std::move(lengths)) {}
  /// On a whole image, with or without a cls token.
  GridTrial(const std::string& model, Json settings, long height, long width, bool cls, long layer = 0)
      : Trial(model, std::move(settings), {height * width + (cls ? 1 : 0)}) {
    c.height = height, c.image_width = width, c.layer = layer;
    set({});
  }
  long longest() const { return *std::max_element(c.lengths.begin(), c.lengths.end()); }
  void expect_mask(const Visible& visible) const {
    expect([&](const Dense& q, const Dense& k, const Dense& v) {
      return attend(q, k, v, kHeads, softmax_weight, visible);
    });
  }
};

/// Is key j within the memory of query i's block? Parmar et al., §3.3: the block, `memory` wider on each side.
bool in_memory(long i, long j, long block, long memory) {
  const long begin = i / block * block;
  return j >= begin - memory && j < begin + block + memory;
}

TEST(ImageTransformer, SeesRectanglesOfTheGrid) {
  for (const auto& lengths : kLengths)
    for (const auto& [h, w, mh, mw] :
         {std::array{1L, 1L, 0L, 0L}, {2L, 3L, 1L, 2L}, {8L, 8L, 8L, 8L}, {4L, 5L, 0L, 3L}})
      for (const bool causal : {false, true}) {
        const GridTrial trial(
            "image_transformer",
            {{"block_height", h}, {"block_width", w}, {"memory_height", mh}, {"memory_width", mw}, {"causal", causal}},
            lengths);
        const long width = side_of(trial.longest());
        trial.expect_mask([&, h = h, w = w, mh = mh, mw = mw](long i, long j) {
          return in_memory(i / width, j / width, h, mh) && in_memory(i % width, j % width, w, mw) &&
                 (!causal || j <= i);
        });
      }
}

TEST(ImageTransformer, InOneDimensionSeesTheBlockAndBothSides) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      GridTrial("image_transformer",
                {{"flat", true},
                 {"block_height", 2},
                 {"block_width", 3},
                 {"memory_height", 2},
                 {"memory_width", 5},
                 {"causal", causal}},
                lengths)
          .expect_mask([&](long i, long j) { return in_memory(i, j, 6, 10) && (!causal || j <= i); });
}

TEST(ImageTransformer, ClassTokenBeforeAnImageSeesAndIsSeenByAll) {
  for (const bool flat : {false, true})
    for (const bool causal : {false, true})
      GridTrial("image_transformer",
                {{"flat", flat},
                 {"block_height", 2},
                 {"block_width", 3},
                 {"memory_height", 1},
                 {"memory_width", 2},
                 {"causal", causal}},
                7, 11, true)
          .expect_mask([&](long i, long j) {
            if (causal && j > i) return false;
            if (i == 0 || j == 0) return true;
            if (flat) return in_memory(i - 1, j - 1, 6, 2);
            return in_memory((i - 1) / 11, (j - 1) / 11, 2, 1) && in_memory((i - 1) % 11, (j - 1) % 11, 3, 2);
          });
}

// Source: a block that contains the image sees all of it.
TEST(ImageTransformer, WithABlockOfTheImageIsTheTransformer) {
  for (const auto& lengths : kLengths)
    GridTrial("image_transformer", {{"block_height", 20}, {"block_width", 20}}, lengths).expect_mask(everything);
}

TEST(Axial, LayersTakeRowsAndColumnsInTurn) {
  for (const bool causal : {false, true})
    for (const bool cls : {false, true})
      for (const long layer : {0L, 1L, 2L, 3L})
        GridTrial("axial", {{"causal", causal}}, 7, 11, cls, layer).expect_mask([&](long i, long j) {
          if (causal && j > i) return false;
          if (cls && (i == 0 || j == 0)) return true;
          const long a = cls ? i - 1 : i, b = cls ? j - 1 : j;
          return layer % 2 == 0 ? a / 11 == b / 11 : a % 11 == b % 11;
        });
}

TEST(Axial, LaysOtherSequencesOutOnASquare) {
  for (const auto& lengths : kLengths)
    for (const long layer : {0L, 1L}) {
      GridTrial trial("axial", Json::object(), lengths);
      trial.c.layer = layer;
      trial.set({});
      const long width = side_of(trial.longest());
      trial.expect_mask([&](long i, long j) { return layer == 0 ? i / width == j / width : i % width == j % width; });
    }
}

TEST(Axial, BothAxesAddUp) {
  for (const auto& lengths : kLengths) {
    const GridTrial trial("axial", {{"both", true}}, lengths);
    const long width = side_of(trial.longest());
    trial.expect_rows([&](const Dense& x) {
      const auto axis = [&](const std::string& name, const Visible& visible) {
        const auto part = [&](const char* weights) { return project(x, trial.weights(name + weights)); };
        return project(attend(part(".query"), part(".key"), part(".value"), kHeads, softmax_weight, visible),
                       trial.weights(name + ".out"));
      };
      Dense y = axis("rows", [&](long i, long j) { return i / width == j / width; });
      const Dense columns = axis("columns", [&](long i, long j) { return i % width == j % width; });
      for (std::size_t e = 0; e < y.v.size(); ++e) y.v[e] += columns.v[e];
      return y;
    });
  }
}

// Source: the row of an image of one row is the image.
TEST(Axial, OfOneRowIsTheTransformer) {
  GridTrial("axial", Json::object(), 1, 40, false).expect_mask(everything);
  GridTrial("axial", Json::object(), 40, 1, false, 1).expect_mask(everything);
}

// Source: the columns of an image are the rows of the transposed image.
TEST(Axial, TurningTheImageOverSwapsItsLayers) {
  constexpr long kHeight = 4, kWidth = 6;
  GridTrial rows("axial", Json::object(), kHeight, kWidth, false, 0);
  GridTrial columns("axial", Json::object(), kWidth, kHeight, false, 1);
  const auto turned = [&](const Numbers& x) {
    Numbers y(x.size());
    const std::size_t c = std::size_t(rows.c.width);
    for (std::size_t t = 0; t < kHeight * kWidth; ++t)
      std::copy_n(x.begin() + long(t * c), c, y.begin() + long((t % kWidth * kHeight + t / kWidth) * c));
    return y;
  };
  columns.x = turned(rows.x);
  columns.set({});
  EXPECT_LT(relative_error(columns.run.result, turned(rows.run.result)), 1e-12);
}

// Source: a path along the row, then along the column.
TEST(Axial, TwoLayersReachEveryCell) {
  constexpr long kHeight = 4, kWidth = 6, kCells = kHeight * kWidth;
  const GridTrial rows("axial", Json::object(), kHeight, kWidth, false, 0);
  for (long j = 0; j < kCells; ++j) {
    const auto result = [&](double moved) {
      Numbers x = rows.x;
      for (long d = 0; d < rows.c.width; ++d) x[std::size_t(j * rows.c.width + d)] += moved * (1 + 0.1 * double(d));
      MixerCase second = rows.c;
      second.layer = 1;
      return f64::run_mixer(second, f64::run_mixer(rows.c, x, rows.x).result, rows.x).result;
    };
    const Numbers before = result(0), after = result(1);
    for (long i = 0; i < kCells; ++i)
      EXPECT_NE(before[std::size_t(i * rows.c.width)], after[std::size_t(i * rows.c.width)]) << j << " to " << i;
  }
}

}  // namespace
}  // namespace lra
