/// Luna: a few learned vectors attend to the tokens, and the tokens attend to the result.
///
///   Ma, Kong, Wang, Zhou, May, Ma, Zettlemoyer. "Luna: Linear Unified Nested Attention." NeurIPS 2021, §3.
///   time O(N·l·C)   memory O(N·(C + H·l)), l vectors P
///   pack: Y = Attn(P, X); unpack: Attn(X, Y). causal (§3.3): with A = ω(P·Xᵀ/√D), ω softplus to base 2, and
///   f(a,b,c)_t = a_t·Σ_{j≤t} b_jᵀc_j / t, the result is f(softmax(f(Q,K,Aᵀ)/√D), Aᵀ, V)
#include <cmath>

#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Luna final : public Mixer {
 public:
  struct Config {
    long vectors = 16;
    bool tie = true;
    bool causal = false;
    void fields(auto&& f) {
      f("vectors", vectors, "l: learned vectors that attend to all tokens", between(1, kMostOfASize));
      f("tie", tie, "one projection for keys and values, in both attentions");
      f("causal", causal, "no token sees a later one; another formula, without a softmax over tokens");
    }
  };

  Luna(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        dims_(dims),
        pack_site_(scope.dropout("pack", dims.attention_dropout)),
        unpack_site_(scope.dropout("unpack", dims.attention_dropout)) {
    const long c = dims.width, qkv = dims.qkv, context = config.causal ? c : qkv;
    const auto projection = [&](const char* name, long from) {
      return scope.add(name, {qkv, from}, Init::xavier(from, qkv));
    };
    vectors_ = scope.add("vectors", {config.vectors, c}, Init::normal(1));
    pack_query_ = projection("pack_query", c), pack_key_ = projection("pack_key", c);
    query_ = projection("query", c), key_ = projection("key", context);
    pack_value_ = config.tie || config.causal ? pack_key_ : projection("pack_value", c);
    value_ = config.tie ? key_ : projection("value", context);
    out_ = scope.add("out", {c, qkv}, Init::xavier(qkv, c));
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    return linear(config_.causal ? causal(x, layout) : nested(x, layout), out_);
  }

 private:
  /// The values: a second projection of x, or the keys if tied.
  Tensor values_of(const Tensor& x, const Tensor& keys, const Parameter& w) const {
    return config_.tie ? keys : linear(x, w);
  }

  Tensor nested(const Tensor& x, const SequenceLayout& layout) const {
    SequenceLayout packed = layout;
    packed.length = config_.vectors;
    for (long s = 0; s <= layout.count(); ++s) packed.offsets[std::size_t(s)] = s * config_.vectors;
    const std::vector<Tensor> queries(std::size_t(layout.count()), linear(vectors_, pack_query_));
    const Tensor pack_keys = linear(x, pack_key_), pack_values = values_of(x, pack_keys, pack_value_);
    const Tensor y = softmax_attention(concat_rows(queries), pack_keys, pack_values, dims_.heads, Window::everything(),
                                       pack_site_, packed, layout);
    const Tensor keys = linear(y, key_), values = values_of(y, keys, value_);
    return softmax_attention(linear(x, query_), keys, values, dims_.heads, Window::everything(), unpack_site_, layout,
                             packed);
  }

  Tensor causal(const Tensor& x, const SequenceLayout& layout) const {
    const long head_count = dims_.heads;
    const double root = 1 / std::sqrt(double(dims_.qkv) / double(head_count));
    Tensor places = Tensor::empty({layout.tokens(), 1});  // 1, 2, … in each sequence
    for (long s = 0; s < layout.count(); ++s)
      for (long t = 0; t < layout.size(s); ++t) places.data()[layout.begin(s) + t] = Real(t + 1);
    const Tensor vectors = linear(vectors_, pack_query_), keys = linear(x, key_), values = values_of(x, keys, value_);
    const Tensor scores = merge_heads(
        matmul(heads(linear(x, pack_key_), head_count), transposed(heads(vectors, head_count))));  // (T,H·l)
    const double ln2 = std::log(2.0);
    const Tensor weights = scale(log_sigmoid(scale(scores, -ln2 * root)), -1 / ln2);
    const Tensor unpack = divide_rows(causal_sums(linear(x, query_), keys, weights, head_count, layout), places, 0);
    const Tensor shares = merge_heads(softmax(heads(scale(unpack, root), head_count)));
    return divide_rows(causal_sums(shares, weights, values, head_count, layout), places, 0);
  }

  Config config_;
  LayerDims dims_;
  Parameter vectors_, pack_query_, pack_key_, pack_value_, query_, key_, value_, out_;
  Dropout pack_site_, unpack_site_;
};

const RegisterModel<Luna> registered{
    "luna",
    {.summary = "attention through a few learned vectors that attend to all tokens",
     .paper = "Ma et al. \"Luna: Linear Unified Nested Attention.\" NeurIPS 2021, arXiv:2106.01540",
     .complexity = "O(N l)",
     .kind = "memory",
     .differs =
         "LRA's code does not have it. The paper passes the vectors' result to the next layer, normalised and added to "
         "them; a mixer here only has access to its own layer, so each layer learns its own vectors. They start "
         "without the sinusoid of the authors' code. With `causal` there is no dropout.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
