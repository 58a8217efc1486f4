/// Adaptively sparse attention against thresholds that bisection and sorting find.
#include <gtest/gtest.h>

#include <algorithm>

#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

/// The probabilities of one row of scores in a head.
using Entmax = std::function<Numbers(const Numbers& z, long head)>;

// Correia et al., §3: [(α−1)z − τ]₊^(1/(α−1)), τ between max − 1 and max − n^(1−α), all scores times α − 1.
Numbers bisected(const Numbers& z, double alpha) {
  const double highest = (alpha - 1) * *std::max_element(z.begin(), z.end());
  double low = highest - 1, high = highest;
  Numbers p(z.size());
  for (int step = 0; step < 100; ++step) {
    const double threshold = (low + high) / 2;
    double sum = 0;
    for (std::size_t j = 0; j < z.size(); ++j)
      sum += p[j] = std::pow(std::max(0.0, (alpha - 1) * z[j] - threshold), 1 / (alpha - 1));
    (sum > 1 ? low : high) = threshold;
  }
  return p;
}

// Martins, Astudillo. arXiv:1602.02068, algorithm 1.
Numbers sparsemax(const Numbers& z) {
  Numbers sorted = z;
  std::sort(sorted.rbegin(), sorted.rend());
  double sum = 0, threshold = 0;
  for (std::size_t k = 0; k < z.size(); ++k) {
    sum += sorted[k];
    if (1 + double(k + 1) * sorted[k] > sum) threshold = (sum - 1) / double(k + 1);
  }
  Numbers p;
  for (const double score : z) p.push_back(std::max(0.0, score - threshold));
  return p;
}

// Peters et al. arXiv:1905.05702, algorithm 2: the largest support whose threshold is at most its smallest score.
Numbers entmax15(const Numbers& z) {
  Numbers sorted = z;
  std::sort(sorted.rbegin(), sorted.rend());
  double sum = 0, squares = 0, threshold = 0;
  for (std::size_t k = 0; k < z.size(); ++k) {
    const double x = sorted[k] / 2, count = double(k + 1);
    sum += x, squares += x * x;
    const double mean = sum / count, rest = (1 - (squares - count * mean * mean)) / count;
    if (rest >= 0 && mean - std::sqrt(rest) <= x) threshold = mean - std::sqrt(rest);
  }
  Numbers p;
  for (const double score : z) p.push_back(std::pow(std::max(0.0, score / 2 - threshold), 2));
  return p;
}

Numbers softmax(const Numbers& z) {
  Numbers p;
  double sum = 0;
  for (const double score : z) sum += p.emplace_back(std::exp(score));
  for (double& value : p) value /= sum;
  return p;
}

void expect_entmax(const Trial& trial, bool causal, const Entmax& entmax) {
  trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
    return by_heads(kHeads, [&](long h) {
      const Dense scores = project(of_head(q, h, kHeads), of_head(k, h, kHeads)), values = of_head(v, h, kHeads);
      Dense y(q.rows, values.cols);
      for (long i = 0; i < q.rows; ++i) {
        Numbers z;
        for (long j = 0; j < (causal ? i + 1 : k.rows); ++j)
          z.push_back(scores.at(i, j) / std::sqrt(double(values.cols)));
        const Numbers p = entmax(z, h);
        for (long j = 0; j < long(p.size()); ++j)
          for (long d = 0; d < values.cols; ++d) y.at(i, d) += p[std::size_t(j)] * values.at(j, d);
      }
      return y;
    });
  });
}

TEST(AdaptivelySparse, EqualsEntmaxOfLearnedAlpha) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true}) {
      const Trial trial("adaptively_sparse", {{"causal", causal}}, lengths);
      const Numbers learned = trial.run.parameters.at("alpha");
      expect_entmax(trial, causal, [&](const Numbers& z, long h) {
        return bisected(z, 1 + 1 / (1 + std::exp(-learned[std::size_t(h)])));
      });
    }
}

TEST(AdaptivelySparse, OfGivenAlphaEqualsWhatSortingFinds) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true}) {
      const auto expect = [&](double alpha, Numbers (*entmax)(const Numbers&)) {
        expect_entmax(Trial("adaptively_sparse", {{"alpha", alpha}, {"causal", causal}}, lengths), causal,
                      [&](const Numbers& z, long) { return entmax(z); });
      };
      expect(1, softmax);
      expect(1.5, entmax15);
      expect(2, sparsemax);
    }
}

TEST(AdaptivelySparse, OfAlphaOneIsTheTransformer) {
  for (const auto& lengths : kLengths)
    Trial("adaptively_sparse", {{"alpha", 1}}, lengths).expect([](const Dense& q, const Dense& k, const Dense& v) {
      return attend(q, k, v, kHeads, softmax_weight, [](long, long) { return true; });
    });
}

// Queries and keys depend on features 0 to 5 only, values on the others. So a change of the others shows exactly which
// tokens give weight to the changed token.
TEST(AdaptivelySparse, GivesMostKeysNoWeightAtAll) {
  constexpr long kN = 40, kWidth = 12;
  for (const double alpha : {1.5, 2.0}) {
    Trial trial("adaptively_sparse", {{"alpha", alpha}}, {kN}, kWidth, 1);
    Named parameters = trial.run.parameters;
    for (auto& [name, w] : parameters)
      for (std::size_t e = 0; name != "out" && e < w.size(); ++e)
        if ((e % kWidth < 6) == (name == "value")) w[e] = 0;
    trial.set(parameters);
    const Numbers before = trial.run.result;
    const Dense x(kN, kWidth, trial.x);
    const Dense scores = project(project(x, trial.weights("query")), project(x, trial.weights("key")));
    long unseen = 0;
    for (long j = 0; j < kN; ++j) {
      Numbers other = trial.x;
      for (long c = 6; c < kWidth; ++c) other[std::size_t(j * kWidth + c)] += 1;
      const Numbers after = f64::run_mixer(trial.c, other, before, parameters).result;
      for (long i = 0; i < kN; ++i) {
        Numbers z;
        for (long key = 0; key < kN; ++key) z.push_back(scores.at(i, key) / std::sqrt(double(kWidth)));
        const double p = (alpha == 2 ? sparsemax(z) : entmax15(z))[std::size_t(j)];
        EXPECT_EQ(p > 0, before[std::size_t(i * kWidth)] != after[std::size_t(i * kWidth)]) << i << " " << j;
        unseen += p == 0;
      }
    }
    EXPECT_GT(unseen, kN * kN / 4);
  }
}

// Adding the same score to all keys changes no probability.
TEST(AdaptivelySparse, CommonScoresChangeNothing) {
  Trial trial("adaptively_sparse", Json::object(), {30});
  for (std::size_t i = 11; i < trial.x.size(); i += 12) trial.x[i] = 1;
  Named parameters = trial.run.parameters;
  trial.set(parameters);
  const Numbers before = trial.run.result;
  for (std::size_t e = 11; e < parameters.at("key").size(); e += 12) parameters.at("key")[e] += 3;
  trial.set(parameters);
  EXPECT_LT(relative_error(trial.run.result, before), 1e-12);
}

}  // namespace
}  // namespace lra
