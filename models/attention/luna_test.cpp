/// Luna against its two explicit attentions, and its causal form against a sum over every prefix.
#include <gtest/gtest.h>

#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

Json settings(long vectors, bool tie, bool causal = false) {
  return {{"vectors", vectors}, {"tie", tie}, {"causal", causal}};
}

Dense attention(const Dense& q, const Dense& k, const Dense& v) {
  return attend(q, k, v, kHeads, softmax_weight, [](long, long) { return true; });
}

// Ma et al., §3.1: Y_P = Attn(P, X), Y_X = Attn(X, Y_P).
TEST(Luna, EqualsItsTwoAttentions) {
  for (const auto& lengths : kLengths)
    for (const long vectors : {1L, 5L, 16L})
      for (const bool tie : {true, false}) {
        const Trial trial("luna", settings(vectors, tie), lengths);
        const auto w = [&](const char* name) { return trial.weights(name); };
        trial.expect_rows([&](const Dense& x) {
          const Dense y = attention(project(w("vectors"), w("pack_query")), project(x, w("pack_key")),
                                    project(x, w(tie ? "pack_key" : "pack_value")));
          return project(attention(project(x, w("query")), project(y, w("key")), project(y, w(tie ? "key" : "value"))),
                         w("out"));
        });
      }
}

double softplus(double z) { return std::log2(1 + std::exp2(z)); }

// Ma et al., §3.3, without cumulative sums: every token sums over all tokens up to it.
TEST(Luna, CausalEqualsSumsOverEachPrefix) {
  for (const auto& lengths : kLengths)
    for (const long l : {1L, 5L})
      for (const bool tie : {true, false}) {
        const Trial trial("luna", settings(l, tie, true), lengths);
        const auto w = [&](const char* name) { return trial.weights(name); };
        trial.expect_rows([&](const Dense& x) {
          const Dense y = by_heads(kHeads, [&](long h) {
            const auto part = [&](const Dense& from, const char* name) {
              return of_head(project(from, w(name)), h, kHeads);
            };
            const Dense q = part(x, "query"), k = part(x, "key"), v = part(x, tie ? "key" : "value");
            const double root = std::sqrt(double(q.cols));
            Dense a = project(part(x, "pack_key"), part(w("vectors"), "pack_query"));  // (N,l)
            for (double& score : a.v) score = softplus(score / root);
            const Dense scores = project(q, k);
            Dense out(x.rows, v.cols);
            for (long t = 0; t < x.rows; ++t) {
              Numbers share(static_cast<std::size_t>(l));
              double total = 0;
              for (long r = 0; r < l; ++r) {
                double f = 0;
                for (long j = 0; j <= t; ++j) f += scores.at(t, j) * a.at(j, r) / double(t + 1);
                total += share[std::size_t(r)] = std::exp(f / root);
              }
              for (long j = 0; j <= t; ++j)
                for (long r = 0; r < l; ++r)
                  for (long d = 0; d < v.cols; ++d)
                    out.at(t, d) += share[std::size_t(r)] / total * a.at(j, r) * v.at(j, d) / double(t + 1);
            }
            return out;
          });
          return project(y, w("out"));
        });
      }
}

// The model uses no positions.
TEST(Luna, ReorderedTokensGiveReorderedResults) {
  Trial trial("luna", settings(5, true), {20});
  const auto reversed = [](const Numbers& x) {
    Numbers y;
    for (long i = 19; i >= 0; --i) y.insert(y.end(), x.begin() + i * 12, x.begin() + (i + 1) * 12);
    return y;
  };
  const Numbers before = trial.run.result;
  trial.x = reversed(trial.x);
  trial.set(Named(trial.run.parameters));
  EXPECT_LT(relative_error(trial.run.result, reversed(before)), 1e-12);
}

// With a single vector to attend to, all tokens have the same result.
TEST(Luna, OfOneVectorGivesAllTokensTheSame) {
  const Numbers y = Trial("luna", settings(1, false), {20}).run.result;
  for (std::size_t i = 12; i < y.size(); ++i) EXPECT_NEAR(y[i], y[i % 12], 1e-12);
}

}  // namespace
}  // namespace lra
