/// Product-key memory against a search through all its keys.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

/// The result of reading the memory for x by comparing all n² keys.
Dense read(const Trial& trial, const DenseLayers& layers, const Dense& x, const std::string& path, long heads, long n,
           long top) {
  Dense q = project(x, trial.weights(path + ".query"));
  if (trial.run.parameters.contains(path + ".query_bias"))
    for (std::size_t i = 0; i < q.v.size(); ++i) q.v[i] += layers.vector(path + ".query_bias")[i % std::size_t(q.cols)];
  const Numbers &first = layers.vector(path + ".first"), &second = layers.vector(path + ".second");
  const Dense values = trial.weights(path + ".values");
  const long width = q.cols / heads, half = width / 2;
  Dense y(x.rows, x.cols);
  for (long i = 0; i < x.rows; ++i)
    for (long h = 0; h < heads; ++h) {
      const Dense own(1, width,
                      Numbers(q.v.begin() + i * q.cols + h * width, q.v.begin() + i * q.cols + (h + 1) * width));
      const Dense query = layers.norm(own, path + ".query_norm");
      Numbers scores(std::size_t(n * n));
      for (long a = 0; a < n; ++a)
        for (long b = 0; b < n; ++b)
          for (long d = 0; d < half; ++d)
            scores[std::size_t(a * n + b)] += query.at(0, d) * first[std::size_t((h * n + a) * half + d)] +
                                              query.at(0, half + d) * second[std::size_t((h * n + b) * half + d)];
      std::vector<long> order(scores.size());
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(),
                [&](long a, long b) { return scores[std::size_t(a)] > scores[std::size_t(b)]; });
      double total = 0;
      for (long j = 0; j < top; ++j) total += std::exp(scores[std::size_t(order[std::size_t(j)])]);
      for (long j = 0; j < top; ++j) {
        const long slot = order[std::size_t(j)];
        for (long c = 0; c < x.cols; ++c)
          y.at(i, c) += std::exp(scores[std::size_t(slot)]) / total * values.at(slot, c);
      }
    }
  return y;
}

Trial three_blocks(const Json& settings, std::vector<long> lengths) {
  Trial trial("product_key_memory", settings, std::move(lengths));
  trial.c.layers = 3;
  trial.set({});
  return trial;
}

TEST(ProductKeyMemory, ReadsTheBestOfAllKeys) {
  for (const auto& [n, top, heads, query, causal] :
       {std::tuple{7L, 5L, 2L, 6L, false}, {7L, 7L, 1L, 0L, true}, {20L, 1L, 3L, 2L, false}})
    for (const auto& lengths : kLengths) {
      const Trial trial =
          three_blocks({{"keys", n}, {"top", top}, {"heads", heads}, {"query", query}, {"causal", causal}}, lengths);
      const DenseLayers layers{trial};
      trial.expect_rows([&, n = n, top = top, heads = heads, visible = visible_if(causal)](const Dense& tokens) {
        Dense x = layers.block(tokens, "0", 3, visible);
        const Dense normed = layers.norm(x, "1.mixer_norm");
        x = DenseLayers::sum(x, layers.attention(normed, normed, "1.mixer", 3, visible));
        x = DenseLayers::sum(x, read(trial, layers, layers.norm(x, "1.feed_norm"), "1.feed", heads, n, top));
        return layers.norm(layers.block(x, "2", 3, visible), "norm");
      });
    }
}

TEST(ProductKeyMemory, AddsTheBiasOfItsQueries) {
  Trial trial = three_blocks({{"keys", 7}, {"top", 3}, {"heads", 2}, {"query_bias", true}}, {40, 3});
  trial.fill_zeros();
  const DenseLayers layers{trial};
  trial.expect_rows([&](const Dense& tokens) {
    Dense x = layers.block(tokens, "0", 3);
    const Dense normed = layers.norm(x, "1.mixer_norm");
    x = DenseLayers::sum(x, layers.attention(normed, normed, "1.mixer", 3));
    x = DenseLayers::sum(x, read(trial, layers, layers.norm(x, "1.feed_norm"), "1.feed", 2, 7, 3));
    return layers.norm(layers.block(x, "2", 3), "norm");
  });
}

TEST(ProductKeyMemory, DoesNotNoticeTheOrderOfItsKeysWithTheirValues) {
  constexpr long kKeys = 6, kHeads = 2, kHalf = 6, kWidth = 12;
  Trial trial = three_blocks({{"keys", kKeys}, {"top", 4}, {"heads", kHeads}}, {30});
  const Numbers expected = trial.run.result;
  const long order[kKeys] = {3, 0, 5, 1, 4, 2};
  Named turned;
  for (const std::string half : {"1.feed.first", "1.feed.second"}) {
    const Numbers& from = trial.run.parameters.at(half);
    for (long h = 0; h < kHeads; ++h)
      for (const long a : order)
        turned[half].insert(turned[half].end(), from.begin() + (h * kKeys + a) * kHalf,
                            from.begin() + (h * kKeys + a + 1) * kHalf);
  }
  const Numbers& values = trial.run.parameters.at("1.feed.values");
  for (const long a : order)
    for (const long b : order)
      turned["1.feed.values"].insert(turned["1.feed.values"].end(), values.begin() + (a * kKeys + b) * kWidth,
                                     values.begin() + (a * kKeys + b + 1) * kWidth);
  trial.set(turned);
  EXPECT_LT(relative_error(trial.run.result, expected), 1e-12);
}

TEST(ProductKeyMemory, OnlyTheMiddleBlockHasOne) {
  for (const auto& [layers, middle] : {std::pair{1L, "0"}, {2L, "1"}, {3L, "1"}, {4L, "2"}}) {
    Trial trial = three_blocks({{"keys", 4}, {"top", 2}}, {3});
    trial.c.layers = layers;
    trial.set({});
    for (const auto& [name, values] : trial.run.parameters)
      if (name.ends_with("values")) {
        EXPECT_EQ(name, std::string(middle) + ".feed.values");
      }
    EXPECT_TRUE(trial.run.parameters.contains(std::string(middle) + ".feed.values"));
  }
}

}  // namespace
}  // namespace lra
