/// Synthesizer: attention scores that are computed without comparing tokens with each other.
///
///   Tay, Bahri, Metzler, Juan, Zhao, Zheng. "Synthesizer: Rethinking Self-Attention for Transformer Models." ICML
///   2021, §3.
///
/// - time O(N²·C)
/// - memory O(N·C): scores are computed in strips and recomputed in backward; the matrix of `random` is a parameter.
///   With `fixed_random` O(N²·H), with `factorized_dense` O(N·(C + √N·H))
#include <algorithm>
#include <cmath>
#include <optional>

#include "models/layers/basic.h"
#include "models/layers/mixer.h"
#include "models/layers/resampled.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

/// Splits a string such as "random+dense" at each +.
std::vector<std::string> parts(const std::string& text) {
  std::vector<std::string> all(1);
  for (const char c : text)
    if (c == '+')
      all.emplace_back();
    else
      all.back() += c;
  return all;
}

/// One kind of synthetic scores, with its parameters. N is the task's longest sequence.
class Synthesis {
 public:
  Synthesis(const std::string& kind, long rank, const LayerDims& dims, const ParameterScope& scope)
      : kind_(kind), heads_(dims.heads), width_(dims.qkv / dims.heads) {
    const long n = dims.length, c = dims.width, qkv = dims.qkv;
    if (kind == "dense" || kind == "factorized_dense")
      hidden_.emplace(scope / "hidden", c, qkv, Init::xavier(c, qkv), Init::zeros());
    if (kind == "dense") {
      right_ = scope.add("weight", {n, qkv}, Init::xavier(width_, n));
      bias_ = scope.add("bias", {heads_, n}, Init::zeros());
    } else if (kind == "factorized_dense") {
      const long a = long(std::ceil(std::sqrt(double(n)))), b = (n + a - 1) / a;
      a_.emplace(scope / "a", qkv, heads_ * a, Init::xavier(qkv, heads_ * a), Init::zeros());
      b_.emplace(scope / "b", qkv, heads_ * b, Init::xavier(qkv, heads_ * b), Init::zeros());
    } else if (kind == "random") {
      left_ = scope.add("scores", {heads_, n, n}, Init::normal(1));
    } else if (kind == "fixed_random") {
      fixed_scores_.emplace(scope.random("scores", "drawn"), Shape{heads_, n, n}, 0, sample_normal);
    } else if (kind == "factorized_random") {
      const Init init = Init::normal(std::pow(double(rank), -0.25));  // products then have the variance of `random`
      left_ = scope.add("left", {n, heads_ * rank}, init);
      right_ = scope.add("right", {n, heads_ * rank}, init);
    } else if (kind == "dot_product") {
      left_ = head_projection(dims, scope, "query");
      right_ = head_projection(dims, scope, "key");
    } else {
      fail_usage(
          "synthesizer: kind '{}' is unknown; there are dense, random, fixed_random, factorized_dense, "
          "factorized_random and dot_product, and mixtures such as random+dense",
          kind);
    }
  }

  Scores operator()(const Tensor& x, const SequenceLayout& layout) const {
    if (kind_ == "dense") return Scores::of_tokens_and_positions(relu((*hidden_)(x)), right_, bias_);
    if (kind_ == "factorized_dense") {
      const Tensor hidden = relu((*hidden_)(x));
      return Scores::of_factors((*a_)(hidden), (*b_)(hidden));
    }
    if (kind_ == "random") return Scores::in_table(left_);
    if (kind_ == "fixed_random") return Scores::in_table(fixed_scores_->at(layout));
    if (kind_ == "factorized_random") return Scores::of_positions(left_, right_);
    return Scores::of_tokens(linear(x, left_), linear(x, right_), 1 / std::sqrt(double(width_)));
  }

 private:
  std::string kind_;
  long heads_, width_;
  std::optional<Linear> hidden_, a_, b_;
  Parameter left_, right_, bias_;
  std::optional<ResampledConstants> fixed_scores_;
};

class Synthesizer final : public Mixer {
 public:
  struct Config {
    std::string kind = "dense";
    long rank = 8;
    bool causal = false;
    void fields(auto&& f) {
      f("kind", kind,
        "dense, random, fixed_random (not trained), factorized_dense, factorized_random, dot_product, or several "
        "joined by +: a learned mixture");
      f("rank", rank, "columns of the two factors of factorized_random", between(1, kMostOfASize));
      f("causal", causal, "no token sees a later one");
    }
  };

  static Exponents exponents(const Config& config, Exponents usual) {
    for (const std::string& kind : parts(config.kind)) {
      if (kind == "fixed_random") usual.bytes = 2;  // a matrix like that of `random`, which is not a parameter
      if (kind == "factorized_dense") usual.bytes = std::max(usual.bytes, 1.5);  // 2·√N scores of a token and head
    }
    return usual;
  }

  Synthesizer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : heads_(dims.heads),
        causal_(config.causal),
        value_(head_projection(dims, scope, "value")),
        out_(out_projection(dims, scope)),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    const std::vector<std::string> kinds = parts(config.kind);
    for (const std::string& kind : kinds) all_.emplace_back(kind, config.rank, dims, scope / kind);
    if (kinds.size() > 1) mixture_ = scope.add("mixture", {1, long(kinds.size())}, Init::zeros());
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    std::vector<Scores> terms;
    for (const Synthesis& synthesis : all_) terms.push_back(synthesis(x, layout));
    const Tensor weights = all_.size() > 1 ? softmax(mixture_) : Tensor();
    Tensor v = linear(std::move(x), value_);
    return linear(score_attention(std::move(terms), weights, std::move(v), heads_, causal_, site_, layout), out_);
  }

 private:
  long heads_;
  bool causal_;
  std::vector<Synthesis> all_;
  Parameter value_, out_, mixture_;
  Dropout site_;
};

const RegisterModel<Synthesizer> registered{
    "synthesizer",
    {.summary = "attention scores computed without queries and keys",
     .paper =
         "Tay et al. \"Synthesizer: Rethinking Self-Attention for Transformer Models.\" ICML 2021, arXiv:2005.00743",
     .complexity = "O(N²)",
     .kind = "low rank, learnable pattern",
     .differs =
         "LRA's code adds its random matrix to ordinary products of queries and keys, which is kind random+dot_product "
         "here except for the learned weights of the two, ignores the settings for factorised variants, and includes "
         "padding; the lra presets use the paper's random variant.",
     .exponent = 2,
     .head_growth = true,
     .fixed_length = true,
     .causal = true}};

}  // namespace
}  // namespace lra
