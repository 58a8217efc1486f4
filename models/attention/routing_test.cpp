/// Routing Transformer against its explicit clusters, and its centroids against the closed form of their average.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "models/autodiff/tape.h"
#include "models/layers/centroids.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3, kWidth = 4;

/// Rows of length 1.
Dense unit(Dense x) {
  for (long i = 0; i < x.rows; ++i) {
    double squares = 1e-12;
    for (long c = 0; c < x.cols; ++c) squares += x.at(i, c) * x.at(i, c);
    for (long c = 0; c < x.cols; ++c) x.at(i, c) /= std::sqrt(squares);
  }
  return x;
}

/// The normalised centroids of a head.
Dense directions(const Trial& trial, long head) {
  const Dense state = trial.weights("centroids." + std::to_string(head));
  Dense mu(state.rows, state.cols - 1);
  for (long c = 0; c < mu.rows; ++c)
    for (long e = 0; e < mu.cols; ++e) mu.at(c, e) = state.at(c, e);
  return unit(mu);
}

std::vector<bool> closest(const Dense& x, const Dense& mu, long cluster, long count) {
  const Dense products = project(x, mu);
  std::vector<long> order(std::size_t(x.rows));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](long a, long b) { return products.at(a, cluster) > products.at(b, cluster); });
  std::vector<bool> in(std::size_t(x.rows), false);
  for (long i = 0; i < count; ++i) in[std::size_t(order[std::size_t(i)])] = true;
  return in;
}

std::vector<long> nearest(const Dense& x, const Dense& mu) {
  const Dense products = project(x, mu);
  std::vector<long> all;
  for (long i = 0; i < x.rows; ++i) {
    const auto row = products.v.begin() + i * mu.rows;
    all.push_back(std::max_element(row, row + mu.rows) - row);
  }
  return all;
}

/// exp(D · cosine) for unit rows.
double routed_weight(const double* q, const double* k, long width) {
  double s = 0;
  for (long d = 0; d < width; ++d) s += q[d] * k[d];
  return std::exp(s * double(width));
}

/// One head by its definition: attention in each cluster, then the mean over a token's clusters.
Dense routed(const Trial& trial, long head, const Dense& q, const Dense& k, const Dense& v, long clusters) {
  const Dense mu = directions(trial, head);
  const long w = (q.rows + clusters - 1) / clusters;
  Dense y(q.rows, kWidth);
  Numbers times(std::size_t(q.rows), 0);
  for (long c = 0; c < clusters; ++c) {
    const auto queries = closest(q, mu, c, w), keys = closest(k, mu, c, w);
    const Dense read = attend(q, k, v, 1, routed_weight,
                              Visible([&](long i, long j) { return queries[std::size_t(i)] && keys[std::size_t(j)]; }));
    for (long i = 0; i < y.rows; ++i) {
      times[std::size_t(i)] += queries[std::size_t(i)];
      for (long e = 0; e < kWidth; ++e) y.at(i, e) += read.at(i, e);
    }
  }
  for (long i = 0; i < y.rows; ++i)
    for (long e = 0; e < kWidth && times[std::size_t(i)] > 0; ++e) y.at(i, e) /= times[std::size_t(i)];
  return y;
}

TEST(Routing, EqualsItsClustersOneByOneAndLocalHeadsBesideThem) {
  for (const auto& [clusters, local, block] : {std::tuple{3L, 1L, 4L}, {1L, 0L, 1L}, {7L, 2L, 50L}})
    for (const auto& lengths : kLengths) {
      const Trial trial("routing", {{"clusters", clusters}, {"local_heads", local}, {"block", block}}, lengths);
      trial.expect(
          [&, clusters = clusters, local = local, block = block](const Dense& q, const Dense& k, const Dense& v) {
            return by_heads(kHeads, [&](long h) {
              const Dense own_q = of_head(q, h, kHeads), own_k = of_head(k, h, kHeads), own_v = of_head(v, h, kHeads);
              if (h >= local) return routed(trial, h, unit(own_q), unit(own_k), own_v, clusters);
              return attend(own_q, own_k, own_v, 1, softmax_weight,
                            Visible([&](long i, long j) { return std::abs(i / block - j / block) <= 1; }));
            });
          });
    }
}

TEST(Routing, IsLocalBeforeItsFirstLayer) {
  for (const long layer : {0L, 1L, 2L}) {
    Trial trial("routing", {{"first_layer", 1}, {"clusters", 3}, {"local_heads", 1}, {"block", 4}}, {5, 1, 40});
    trial.c.layer = layer;
    trial.set({});
    EXPECT_EQ(trial.run.parameters.contains("centroids.1"), layer > 0);
    if (layer > 0) continue;
    trial.expect([](const Dense& q, const Dense& k, const Dense& v) {
      return attend(q, k, v, kHeads, softmax_weight, [](long i, long j) { return std::abs(i / 4 - j / 4) <= 1; });
    });
  }
}

TEST(Routing, OneClusterOfAllTokensIsSoftmaxOfNormalisedQueriesAndKeys) {
  const Trial trial("routing", {{"clusters", 1}, {"local_heads", 0}}, {40, 7});
  trial.expect([](const Dense& q, const Dense& k, const Dense& v) {
    return attend(
        q, k, v, kHeads,
        [](const double* a, const double* b, long width) {
          double ab = 0, aa = 0, bb = 0;
          for (long d = 0; d < width; ++d) ab += a[d] * b[d], aa += a[d] * a[d], bb += b[d] * b[d];
          return std::exp(double(width) * ab / std::sqrt((aa + 1e-12) * (bb + 1e-12)));
        },
        Visible([](long, long) { return true; }));
  });
}

TEST(Routing, IfCausalATokenSeesTheLastOfItsClusterBeforeIt) {
  for (const long members : {1L, 3L, 100L})
    for (const auto& lengths : kLengths) {
      const Trial trial("routing", {{"clusters", 4}, {"members", members}, {"local_heads", 0}, {"causal", true}},
                        lengths);
      const long w = std::min(members, *std::max_element(lengths.begin(), lengths.end()));
      trial.expect_rows([&](const Dense& x) {
        const Dense q = project(x, trial.weights("query")), v = project(x, trial.weights("value"));
        return project(by_heads(kHeads,
                                [&](long h) {
                                  const Dense own = unit(of_head(q, h, kHeads));
                                  const auto chosen = nearest(own, directions(trial, h));
                                  const auto between = [&](long j, long i) {  // from j on, in the cluster of i
                                    return std::count(chosen.begin() + j, chosen.begin() + i, chosen[std::size_t(i)]);
                                  };
                                  return attend(own, own, of_head(v, h, kHeads), 1, routed_weight,
                                                Visible([&](long i, long j) {
                                                  if (j == i) return between(0, i) == 0;
                                                  return j < i && chosen[std::size_t(j)] == chosen[std::size_t(i)] &&
                                                         between(j, i) <= w;
                                                }));
                                }),
                       trial.weights("out"));
      });
    }
}

TEST(Routing, SumsWhatFollowsACentroidAndItsLossIsTheMeanSquareOfTheWay) {
  const Trial trial("routing", {{"clusters", 4}, {"local_heads", 2}, {"commitment", 0.5}}, {30});
  const Dense x(30, trial.c.width, trial.x), mu = directions(trial, 2);
  Dense sums(4, kWidth + 1);
  double loss = 0;
  for (const char* name : {"query", "key"}) {
    const Dense rows = unit(of_head(project(x, trial.weights(name)), 2, kHeads));
    const auto chosen = nearest(rows, mu);
    for (long i = 0; i < rows.rows; ++i) {
      const long c = chosen[std::size_t(i)];
      ++sums.at(c, kWidth);
      for (long e = 0; e < kWidth; ++e) {
        sums.at(c, e) += rows.at(i, e);
        loss += std::pow(rows.at(i, e) - mu.at(c, e), 2);
      }
    }
  }
  EXPECT_LT(relative_error(trial.run.sums.at("centroids.2"), sums.v), 1e-12);
  EXPECT_NEAR(trial.run.auxiliary, 0.5 * loss / 60, 1e-12);
}

TEST(Routing, CentroidsFollowASteadyMeanAsTheirAverageSays) {
  constexpr double kDecay = 0.9;
  constexpr int kSteps = 20;
  Parameters parameters(1);
  const Centroids centroids(ParameterScope(parameters, ""), "centroids", 3, 2, kDecay);
  const std::vector<float> start(parameters.values().begin(), parameters.values().end());
  Tensor x = Tensor::empty({4, 2});
  const std::vector<float> rows = {1, 2, 3, 4, -1, 5, 7, 0};
  std::copy(rows.begin(), rows.end(), x.data());
  const std::vector<std::int32_t> chosen = {0, 0, 2, 0};  // means (11/3, 2) and (−1, 5); nothing follows centroid 1
  for (int step = 0; step < kSteps; ++step) {
    std::vector<float> sums(9);
    const Training training;
    const Tape tape(sums);
    centroids.follow(x, chosen);
    parameters.list().at(0).rule(parameters.values(), sums);
  }
  const double left = std::pow(kDecay, kSteps);
  const auto expect = [&](std::size_t at, double mean) {
    EXPECT_NEAR(double(parameters.values()[at]), left * double(start[at]) + (1 - left) * mean, 1e-5) << at;
  };
  expect(0, 11.0 / 3), expect(1, 2), expect(6, -1), expect(7, 5);
  EXPECT_EQ(parameters.values()[3], start[3]);
  EXPECT_EQ(parameters.values()[4], start[4]);
  EXPECT_EQ(parameters.values()[2], 3);
  EXPECT_EQ(parameters.values()[5], 0);
}

}  // namespace
}  // namespace lra
