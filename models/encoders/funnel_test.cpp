/// Funnel-Transformer against its explicit layers, distance by distance.
#include <gtest/gtest.h>

#include "models/testing/dense_relative.h"

namespace lra {
namespace {

constexpr long kHeads = 3;
const Visible kEverything = [](long, long) { return true; };

/// The first row; then the means of rows 1 and 2, 3 and 4, …; an unpaired last row as it is. Positions as in the
/// authors' code (stride_pool_pos): those of each pair's first row, and 1 − 2^k for the first row when rows are 2^k
/// apart.
Placed halved(const Placed& rows, long apart) {
  Placed means{Dense(1 + rows.x.rows / 2, rows.x.cols), {}};
  for (long r = 0; r < means.x.rows; ++r) {
    const std::vector<long> from = r == 0                ? std::vector<long>{0}
                                   : 2 * r < rows.x.rows ? std::vector<long>{2 * r - 1, 2 * r}
                                                         : std::vector<long>{2 * r - 1};
    for (const long i : from)
      for (long c = 0; c < rows.x.cols; ++c) means.x.at(r, c) += rows.x.at(i, c) / double(from.size());
    means.places.push_back(r == 0 ? 1 - double(apart) : rows.places[std::size_t(from[0])]);
  }
  return means;
}

Trial funnel(long blocks, long count, const std::vector<long>& lengths) {
  Trial trial("funnel", {{"blocks", blocks}}, lengths);
  trial.c.layers = count;
  trial.set({});
  return trial;
}

/// `halving`: the layers before which the sequence is pooled.
void expect_layers(const Trial& trial, const std::vector<long>& halving) {
  const DenseLayers layers{trial};
  trial.expect_rows([&](const Dense& tokens) {
    Placed rows = in_places(tokens);
    long apart = 1;
    for (long l = 0; l < trial.c.layers; ++l) {
      const Placed context = rows;
      if (std::count(halving.begin(), halving.end(), l) > 0) rows = halved(rows, apart *= 2);
      const std::string path = std::to_string(l);
      rows = relative_block(layers, path, path + ".mixer.", kHeads, rows, context, kEverything);
    }
    const Dense y = layers.norm(rows.x, "norm");
    return y.rows == tokens.rows ? y : mean_everywhere(y, tokens.rows);
  });
}

TEST(Funnel, OneBlockIsAPlainEncoderWithRelativePositions) {
  for (const auto& lengths : {std::vector<long>{1}, {2}, {5, 1, 9}, {70, 3}}) expect_layers(funnel(1, 2, lengths), {});
}

TEST(Funnel, EqualsItsLayersWithPoolingBetweenBlocks) {
  for (const auto& lengths : {std::vector<long>{1}, {2}, {3}, {4}, {5, 1, 9}, {6, 64}, {70, 3}}) {
    expect_layers(funnel(2, 2, lengths), {1});
    expect_layers(funnel(3, 4, lengths), {2, 3});
    expect_layers(funnel(9, 3, lengths), {1, 2});
  }
}

TEST(Funnel, CopiesOfOneTokenStayAsTheyAre) {
  Trial trial = funnel(2, 2, {1});
  const Numbers one = trial.run.result, token = trial.x;
  trial.c.lengths = {12};
  for (long i = 1; i < 12; ++i) trial.x.insert(trial.x.end(), token.begin(), token.end());
  trial.set({});
  EXPECT_LT(relative_error(Numbers(trial.run.result.begin(), trial.run.result.begin() + trial.c.width), one), 1e-12);
}

}  // namespace
}  // namespace lra
