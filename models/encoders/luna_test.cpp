/// Luna's stack against its two explicit attentions, and its causal form against a sum over every prefix.
#include <gtest/gtest.h>

#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

Trial luna(const Json& settings, const std::vector<long>& lengths, long layers) {
  Trial trial("luna", settings, lengths);
  trial.c.layers = layers;
  trial.set({});
  trial.fill_zeros();
  return trial;
}

/// A stack of pre-norm blocks. mix(normed tokens, path of the mixer, index of the block) is what a block adds to its
/// tokens.
Dense stack(const Trial& trial, Dense x, const std::function<Dense(const Dense&, const std::string&, long)>& mix) {
  const DenseLayers layers{trial};
  for (long l = 0; l < trial.c.layers; ++l) {
    const std::string path = std::to_string(l);
    x = DenseLayers::sum(x, mix(layers.norm(x, path + ".mixer_norm"), path + ".mixer.", l));
    x = DenseLayers::sum(x, layers.feed(layers.norm(x, path + ".feed_norm"), path + ".feed"));
  }
  return layers.norm(x, "norm");
}

Dense attention(const Dense& q, const Dense& k, const Dense& v) {
  return attend(q, k, v, kHeads, softmax_weight, [](long, long) { return true; });
}

/// Ma et al., §3.1: Y_P = Attn(P, X), Y_X = Attn(X, Y_P).
struct Nested {
  Dense packed, unpacked;

  Nested(const Trial& trial, const std::string& path, const Dense& p, const Dense& x) : packed(0, 0), unpacked(0, 0) {
    const bool tie = trial.c.settings.value("tie", true);
    const auto w = [&](const char* name) { return trial.weights(path + name); };
    packed = attention(project(p, w("pack_query")), project(x, w("pack_key")),
                       project(x, w(tie ? "pack_key" : "pack_value")));
    unpacked =
        project(attention(project(x, w("query")), project(packed, w("key")), project(packed, w(tie ? "key" : "value"))),
                w("out"));
  }
};

// Ma et al., §3.2: the next layer's P is the sum of this layer's and of what it read.
TEST(Luna, CarriesItsVectorsFromLayerToLayer) {
  for (const auto& lengths : kLengths)
    for (const auto& [vectors, layers] : {std::pair{5L, 1L}, {1L, 2L}, {5L, 3L}, {16L, 2L}})
      for (const bool tie : {true, false}) {
        const Trial trial = luna({{"vectors", vectors}, {"tie", tie}}, lengths, layers);
        trial.expect_rows([&](const Dense& tokens) {
          Dense p = trial.weights("memory");
          return stack(trial, tokens, [&](const Dense& x, const std::string& path, long l) {
            const Dense normed = DenseLayers{trial}.norm(p, std::to_string(l) + ".memory_norm");
            const Nested nested(trial, path, normed, x);
            p = DenseLayers::sum(p, nested.packed);
            return nested.unpacked;
          });
        });
      }
}

TEST(Luna, WithoutCarryingEqualsItsTwoAttentions) {
  for (const auto& lengths : kLengths)
    for (const long vectors : {1L, 5L, 16L})
      for (const bool tie : {true, false}) {
        const Trial trial = luna({{"vectors", vectors}, {"tie", tie}, {"carry", false}}, lengths, 2);
        trial.expect_rows([&](const Dense& tokens) {
          return stack(trial, tokens, [&](const Dense& x, const std::string& path, long l) {
            return Nested(trial, path, trial.weights(std::to_string(l) + ".memory"), x).unpacked;
          });
        });
      }
}

// A projection leads back from queries of another width.
TEST(Luna, CarriesVectorsOfAnotherWidth) {
  Trial trial("luna", {{"vectors", 4}}, {20});
  trial.c.qkv = 6;
  trial.set({});
  trial.fill_zeros();
  trial.expect_rows([&](const Dense& tokens) {
    Dense p = trial.weights("memory");
    return stack(trial, tokens, [&](const Dense& x, const std::string& path, long l) {
      const Dense normed = DenseLayers{trial}.norm(p, std::to_string(l) + ".memory_norm");
      const Nested nested(trial, path, normed, x);
      if (l == 0) p = DenseLayers::sum(p, project(nested.packed, trial.weights(path + "pack_out")));
      return nested.unpacked;
    });
  });
}

double softplus(double z) { return std::log2(1 + std::exp2(z)); }

// Ma et al., §3.3, without cumulative sums: every token sums over all tokens up to it.
TEST(Luna, CausalEqualsSumsOverEachPrefix) {
  for (const auto& lengths : kLengths)
    for (const long l : {1L, 5L})
      for (const bool tie : {true, false}) {
        const Trial trial = luna({{"vectors", l}, {"tie", tie}, {"causal", true}}, lengths, 1);
        const auto w = [&](const char* name) { return trial.weights(std::string("0.mixer.") + name); };
        trial.expect_rows([&](const Dense& tokens) {
          return stack(trial, tokens, [&](const Dense& x, const std::string&, long) {
            const Dense y = by_heads(kHeads, [&](long h) {
              const auto part = [&](const Dense& from, const char* name) {
                return of_head(project(from, w(name)), h, kHeads);
              };
              const Dense q = part(x, "query"), k = part(x, "key"), v = part(x, tie ? "key" : "value");
              const double root = std::sqrt(double(q.cols));
              Dense a = project(part(x, "pack_key"), part(trial.weights("0.memory"), "pack_query"));  // (N,l)
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
        });
      }
}

// The model uses no positions.
TEST(Luna, ReorderedTokensGiveReorderedResults) {
  Trial trial = luna({{"vectors", 5}}, {20}, 3);
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

}  // namespace
}  // namespace lra
