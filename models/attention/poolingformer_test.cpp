/// Poolingformer against its two explicit levels.
#include <gtest/gtest.h>

#include "core/error.h"
#include "models/testing/contract.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

bool everything(long, long) { return true; }

/// Pools of `kernel` tokens around every stride-th token, without tokens beyond the ends. `weights` (kernel, C), for
/// "convolution", gives pool weights as the softmax of its product with the middle token.
Dense pooled(const Dense& x, const std::string& kind, long kernel, long stride, const Dense& weights) {
  Dense y((x.rows + stride - 1) / stride, x.cols);
  for (long u = 0; u < y.rows; ++u) {
    const auto inside = [&](long t) {
      const long at = u * stride - kernel / 2 + t;
      return at >= 0 && at < x.rows;
    };
    Numbers share(static_cast<std::size_t>(kernel));
    double total = 0;
    for (long t = 0; t < kernel; ++t) {
      if (!inside(t)) continue;
      double score = 0;
      for (long c = 0; kind == "convolution" && c < x.cols; ++c) score += weights.at(t, c) * x.at(u * stride, c);
      total += share[std::size_t(t)] = std::exp(score);
    }
    for (long c = 0; c < x.cols; ++c) {
      double sum = 0, highest = -INFINITY;
      for (long t = 0; t < kernel; ++t) {
        if (!inside(t)) continue;
        const double value = x.at(u * stride - kernel / 2 + t, c);
        sum += share[std::size_t(t)] / total * value;
        highest = std::max(highest, value);
      }
      y.at(u, c) = kind == "max" ? highest : sum;
    }
  }
  return y;
}

struct PoolingTrial : Trial {
  PoolingTrial(const Json& settings, std::vector<long> lengths)
      : Trial("poolingformer", settings, std::move(lengths)) {}

  /// The mixer is Y + Z, where Y is the first level and Z the second over Y.
  void expect_levels(const Visible& near, const std::function<Dense(const Dense& first)>& second) const {
    expect([&](const Dense& q, const Dense& k, const Dense& v) {
      const Dense first = attend(q, k, v, kHeads, softmax_weight, near);
      Dense y = second(first);
      for (std::size_t e = 0; e < y.v.size(); ++e) y.v[e] += first.v[e];
      return y;
    });
  }
  Dense of(const Dense& first, const char* name) const { return project(first, weights(name)); }
};

TEST(Poolingformer, EqualsItsTwoLevelsWrittenOut) {
  for (const auto& lengths : kLengths)
    for (const std::string kind : {"mean", "max", "convolution"})
      for (const auto& [w1, w2, kernel, stride] :
           {std::array{0L, 3L, 1L, 2L}, {2L, 9L, 5L, 4L}, {4L, 20L, 3L, 3L}, {128L, 512L, 5L, 4L}}) {
        const PoolingTrial trial(
            {{"window", w1}, {"wide_window", w2}, {"pooling", kind}, {"kernel", kernel}, {"stride", stride}}, lengths);
        const Dense none(0, 0);
        const Dense key_pool = kind == "convolution" ? trial.weights("key_pool") : none;
        const Dense value_pool = kind == "convolution" ? trial.weights("value_pool") : none;
        trial.expect_levels([w1 = w1](long i, long j) { return std::abs(i - j) <= w1; },
                            [&, w2 = w2, kernel = kernel, stride = stride](const Dense& first) {
                              return attend(trial.of(first, "wide_query"),
                                            pooled(trial.of(first, "wide_key"), kind, kernel, stride, key_pool),
                                            pooled(trial.of(first, "wide_value"), kind, kernel, stride, value_pool),
                                            kHeads, softmax_weight,
                                            [&](long i, long u) { return std::abs(i - u * stride) <= w2; });
                            });
      }
}

// Source: pools of one token are the tokens, so with wide windows it is two layers of full attention.
TEST(Poolingformer, WithPoolsOfOneTokenAndWideWindowsIsTheTransformerTwice) {
  for (const auto& lengths : kLengths)
    for (const char* kind : {"mean", "max", "convolution"}) {
      const PoolingTrial trial({{"window", 300}, {"wide_window", 300}, {"pooling", kind}, {"kernel", 1}, {"stride", 1}},
                               lengths);
      trial.expect_levels(everything, [&](const Dense& first) {
        return attend(trial.of(first, "wide_query"), trial.of(first, "wide_key"), trial.of(first, "wide_value"), kHeads,
                      softmax_weight, everything);
      });
    }
}

// Every kind against central differences along random directions, with dropout; the contract tests only the default.
TEST(Poolingformer, GradientsOfEveryKindEqualCentralDifferences) {
  for (const char* kind : {"mean", "max", "convolution"}) {
    MixerCase c = PoolingTrial({{"window", 3}, {"wide_window", 10}, {"pooling", kind}}, {5, 1, 40}).c;
    c.attention_dropout = 0.2;
    EXPECT_LT(error_along_directions(c), 1e-6) << kind;
  }
}

TEST(Poolingformer, RefusesSettingsThatLeaveAQueryWithoutKeys) {
  for (const Json& settings : {Json{{"pooling", "median"}}, Json{{"kernel", 4}}, Json{{"stride", 600}}}) {
    MixerCase c;
    c.model = "poolingformer", c.settings = settings, c.lengths = {3};
    EXPECT_THROW((void)f64::run_mixer(c, Numbers(24), Numbers(24)), Error) << settings.dump();
  }
}

}  // namespace
}  // namespace lra
