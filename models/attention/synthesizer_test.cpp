/// Synthesizer against explicit N×N scores.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "models/layers/mixer.h"
#include "models/layers/resampled.h"
#include "models/testing/contract.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

using Score = std::function<double(long head, long i, long j)>;

struct SynthesizerTrial : Trial {
  SynthesizerTrial(const std::string& kind, std::vector<long> lengths, bool causal = false)
      : Trial("synthesizer", {{"kind", kind}, {"rank", 2}, {"causal", causal}}, std::move(lengths)) {
    // Parameters that start at zero would hide mistakes.
    Named values = run.parameters;
    for (auto& [name, numbers] : values)
      if (dot(numbers, numbers) == 0) numbers = random_numbers(numbers.size(), name);
    set(values);
  }

  const Numbers& parameter(const std::string& name) const { return run.parameters.at(name); }
  long columns(const std::string& name) const { return run.shapes.at(name).back(); }

  /// x·wᵀ + b.
  Dense affine(const Dense& tokens, const std::string& name) const {
    Dense y = project(tokens, weights(name + ".weight"));
    for (long i = 0; i < y.rows; ++i)
      for (long k = 0; k < y.cols; ++k) y.at(i, k) += parameter(name + ".bias")[std::size_t(k)];
    return y;
  }
  Dense hidden(const Dense& tokens, const std::string& kind) const {
    Dense y = affine(tokens, kind + ".hidden");
    for (double& value : y.v) value = std::max(0.0, value);
    return y;
  }

  // R_ij = w_j · ReLU(W x_i + b) + bias_j.
  Score dense(const Dense& tokens) const {
    return [this, y = hidden(tokens, "dense"), w = weights("dense.weight")](long h, long i, long j) {
      double s = parameter("dense.bias")[std::size_t(h * columns("dense.bias") + j)];
      for (long d = 0; d < y.cols / kHeads; ++d)
        s += y.at(i, h * y.cols / kHeads + d) * w.at(j, h * y.cols / kHeads + d);
      return s;
    };
  }
  // R_ij = a_i[j mod A] · b_i[⌊j/A⌋].
  Score factorized_dense(const Dense& tokens) const {
    const Dense y = hidden(tokens, "factorized_dense");
    return [a = affine(y, "factorized_dense.a"), b = affine(y, "factorized_dense.b")](long h, long i, long j) {
      const long size = a.cols / kHeads;
      return a.at(i, h * size + j % size) * b.at(i, h * (b.cols / kHeads) + j / size);
    };
  }
  Score random() const {
    return [this, n = columns("random.scores")](long h, long i, long j) {
      return parameter("random.scores")[std::size_t((h * n + i) * n + j)];
    };
  }
  // Not a parameter: samples from N(0,1) that depend on the seed.
  Score fixed_random() const {
    const long n = *std::max_element(c.lengths.begin(), c.lengths.end());
    Numbers r(std::size_t(kHeads * n * n));
    sample_normal(Random(1, "scores", "fixed_random.drawn").at(0, 0), {kHeads, n, n}, r);
    return [r = rounded(r), n](long h, long i, long j) { return r[std::size_t((h * n + i) * n + j)]; };
  }
  // R = R₁ R₂ᵀ.
  Score factorized_random() const {
    return [l = weights("factorized_random.left"), r = weights("factorized_random.right")](long h, long i, long j) {
      return l.at(i, 2 * h) * r.at(j, 2 * h) + l.at(i, 2 * h + 1) * r.at(j, 2 * h + 1);
    };
  }

  /// The mixer is softmax(R)·V, with R computed by `scores` from a sequence's tokens.
  void expect_scores(const std::function<Score(const Dense&)>& scores, bool causal = false) const {
    expect_rows([&](const Dense& tokens) {
      const Dense v = project(tokens, weights("value"));
      const Score score = scores(tokens);
      Dense y(tokens.rows, v.cols);
      for (long h = 0; h < kHeads; ++h)
        for (long i = 0; i < tokens.rows; ++i) {
          double total = 0;
          for (long j = 0; j <= (causal ? i : tokens.rows - 1); ++j) {
            const double w = std::exp(score(h, i, j));
            total += w;
            for (long d = h * v.cols / kHeads; d < (h + 1) * v.cols / kHeads; ++d) y.at(i, d) += w * v.at(j, d);
          }
          for (long d = h * v.cols / kHeads; d < (h + 1) * v.cols / kHeads; ++d) y.at(i, d) /= total;
        }
      return project(y, weights("out"));
    });
  }
};

TEST(Synthesizer, EqualsItsScoresWrittenOut) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true}) {
      const SynthesizerTrial dense("dense", lengths, causal), random("random", lengths, causal);
      dense.expect_scores([&](const Dense& x) { return dense.dense(x); }, causal);
      random.expect_scores([&](const Dense&) { return random.random(); }, causal);
      const SynthesizerTrial thin("factorized_random", lengths, causal), outer("factorized_dense", lengths, causal);
      thin.expect_scores([&](const Dense&) { return thin.factorized_random(); }, causal);
      outer.expect_scores([&](const Dense& x) { return outer.factorized_dense(x); }, causal);
      const SynthesizerTrial fixed("fixed_random", lengths, causal);
      fixed.expect_scores([&](const Dense&) { return fixed.fixed_random(); }, causal);
    }
}

// Source: Tay et al., §3.2: the mixture's scores are Σ α_c R_c with α a softmax of learned weights.
TEST(Synthesizer, MixesScoresByLearnedWeights) {
  const SynthesizerTrial run("random+dense+factorized_dense", {5, 1, 9});
  Numbers alpha = run.parameter("mixture");
  double total = 0;
  for (double& a : alpha) total += a = std::exp(a);
  run.expect_scores([&](const Dense& x) {
    return [&, dense = run.dense(x), random = run.random(), outer = run.factorized_dense(x)](long h, long i, long j) {
      return (alpha[0] * random(h, i, j) + alpha[1] * dense(h, i, j) + alpha[2] * outer(h, i, j)) / total;
    };
  });
}

// Source: equal scores give equal weights.
TEST(Synthesizer, WithoutScoresIsTheMean) {
  SynthesizerTrial run("random", {7});
  Named values = run.run.parameters;
  values.at("random.scores").assign(values.at("random.scores").size(), 0);
  run.set(values);
  run.expect_scores([](const Dense&) { return [](long, long, long) { return 0.0; }; });
}

TEST(Synthesizer, OfDotProductsIsTheTransformer) {
  const SynthesizerTrial run("dot_product", {5, 1, 130});
  run.expect_rows([&](const Dense& x) {
    return project(attend(project(x, run.weights("dot_product.query")), project(x, run.weights("dot_product.key")),
                          project(x, run.weights("value")), kHeads, softmax_weight, [](long, long) { return true; }),
                   run.weights("out"));
  });
}

// Every kind against central differences along random directions, with dropout; the contract tests only the default.
TEST(Synthesizer, GradientsOfEveryKindEqualCentralDifferences) {
  for (const char* kind :
       {"random", "fixed_random", "factorized_random", "factorized_dense", "random+dense+dot_product"}) {
    MixerCase c = SynthesizerTrial(kind, {5, 1, 70}).c;
    c.attention_dropout = 0.2;
    EXPECT_LT(error_along_directions(c), 1e-6) << kind;
  }
}

TEST(Synthesizer, RefusesKindsThatDoNotExist) {
  for (const char* kind : {"", "denser", "random+", "random+random"}) {
    MixerCase c;
    c.model = "synthesizer", c.settings = {{"kind", kind}}, c.lengths = {3};
    EXPECT_THROW((void)f64::run_mixer(c, Numbers(24), Numbers(24)), Error) << kind;
  }
}

}  // namespace
}  // namespace lra
