/// Cluster-Former against its explicit layers.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

/// For each row its index when all rows are sorted by cluster, then by position.
std::vector<long> places(const Trial& trial, const Dense& x, const std::string& path) {
  const Dense mu = trial.weights(path + ".centroids");
  std::vector<long> cluster, order(std::size_t(x.rows)), at(std::size_t(x.rows));
  for (long i = 0; i < x.rows; ++i) {
    Numbers closeness;
    for (long c = 0; c < mu.rows; ++c) {
      double product = 0, squares = 0;
      for (long e = 0; e < x.cols; ++e) product += x.at(i, e) * mu.at(c, e), squares += mu.at(c, e) * mu.at(c, e);
      closeness.push_back(product / std::sqrt(squares));
    }
    cluster.push_back(std::max_element(closeness.begin(), closeness.end()) - closeness.begin());
  }
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](long a, long b) { return cluster[std::size_t(a)] < cluster[std::size_t(b)]; });
  for (long i = 0; i < x.rows; ++i) at[std::size_t(order[std::size_t(i)])] = i;
  return at;
}

Trial clusterformer(const Json& settings, long count, const std::vector<long>& lengths) {
  Trial trial("clusterformer", settings, lengths);
  trial.c.layers = count;
  trial.set({});
  return trial;
}

TEST(Clusterformer, EqualsItsLayersWithTheMaskOfEqualChunks) {
  for (const auto& [window, clusters, chunk] : {std::tuple{4L, 3L, 5L}, {50L, 7L, 8L}, {3L, 1L, 500L}})
    for (const auto& lengths : {std::vector<long>{1}, {2}, {5, 1, 9}, {64}, {131, 3}}) {
      const Trial trial = clusterformer({{"window", window}, {"clusters", clusters}, {"chunk", chunk}}, 4, lengths);
      const DenseLayers layers{trial};
      trial.expect_rows([&, window = window, chunk = chunk](const Dense& tokens) {
        Dense x = tokens;
        for (long l = 0; l < 4; ++l) {
          const std::string path = std::to_string(l);
          const Dense normed = layers.norm(x, path + ".mixer_norm");
          const bool sorts = l % 2 == 1;
          std::vector<long> at(std::size_t(x.rows));
          std::iota(at.begin(), at.end(), 0);
          if (sorts) at = places(trial, normed, path + ".mixer");
          const long size = sorts ? chunk : window;
          x = DenseLayers::sum(x, layers.attention(normed, normed, path + ".mixer", kHeads, [&](long i, long j) {
            return at[std::size_t(i)] / size == at[std::size_t(j)] / size;
          }));
          x = DenseLayers::sum(x, layers.feed(layers.norm(x, path + ".feed_norm"), path + ".feed"));
        }
        return layers.norm(x, "norm");
      });
    }
}

TEST(Clusterformer, OneClusterInOneChunkIsAPlainLayer) {
  const Trial trial = clusterformer({{"clusters", 1}, {"chunk", 100}, {"every", 1}}, 2, {70, 3});
  const DenseLayers layers{trial};
  trial.expect_rows([&](const Dense& tokens) {
    return layers.norm(layers.block(layers.block(tokens, "0", kHeads), "1", kHeads), "norm");
  });
}

}  // namespace
}  // namespace lra
