/// Luna: a few learned vectors attend to the tokens, the tokens attend to the result, and both pass to the next layer.
///
///   Ma, Kong, Wang, Zhou, May, Ma, Zettlemoyer. "Luna: Linear Unified Nested Attention." NeurIPS 2021, §3.
///   time O(N·l·C)   memory O(N·(C + H·l)), l vectors P
///   pack: Y = Attn(P, X); unpack: Attn(X, Y); P becomes P + Y. causal (§3.3): with A = ω(P·Xᵀ/√D), ω softplus to base
///   2, and f(a,b,c)_t = a_t·Σ_{j≤t} b_jᵀc_j / t, the result is f(softmax(f(Q,K,Aᵀ)/√D), Aᵀ, V)
#include <cmath>

#include "models/layers/memory_blocks.h"

namespace lra {
namespace {

struct LunaConfig {
  long vectors = 16;
  bool tie = true;
  bool carry = true;
  bool causal = false;
  void fields(auto&& f) {
    f("vectors", vectors, "l: learned vectors that attend to all tokens", between(1, kMostOfASize));
    f("tie", tie, "one projection for keys and values, in both attentions");
    f("carry", carry, "the vectors pass from layer to layer with what they read; otherwise each layer has its own");
    f("causal", causal,
      "no token sees a later one; another formula, without a softmax over tokens; each layer has its own vectors");
  }
};

class NestedAttention final : public MemoryMixer {
 public:
  NestedAttention(const LunaConfig& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        dims_(dims),
        pack_site_(scope.dropout("pack", dims.attention_dropout)),
        unpack_site_(scope.dropout("unpack", dims.attention_dropout)) {
    const long c = dims.width, qkv = dims.qkv, context = config.causal ? c : qkv;
    const auto projection = [&](const char* name, long from) {
      return scope.add(name, {qkv, from}, Init::xavier(from, qkv));
    };
    pack_query_ = projection("pack_query", c), pack_key_ = projection("pack_key", c);
    query_ = projection("query", c), key_ = projection("key", context);
    pack_value_ = config.tie || config.causal ? pack_key_ : projection("pack_value", c);
    value_ = config.tie ? key_ : projection("value", context);
    out_ = out_projection(dims, scope);
    const bool carried = config.carry && !config.causal && dims.layer + 1 < dims.layers;
    if (carried && qkv != c) pack_out_ = out_projection(dims, scope, "pack_out");
  }

  Gains forward(const PackedSequences& tokens, const PackedSequences& memory) const override {
    if (config_.causal) return {linear(causal(tokens, rows(memory.x, 0, config_.vectors)), out_), {}};
    const Everything pack{dims_.heads, pack_site_}, unpack{dims_.heads, unpack_site_};
    const Tensor pack_keys = linear(tokens.x, pack_key_), pack_values = values_of(tokens.x, pack_keys, pack_value_);
    const Tensor packed = pack(linear(memory.x, pack_query_), memory.layout, pack_keys, pack_values, tokens.layout);
    const Tensor keys = linear(packed, key_), values = values_of(packed, keys, value_);
    const Tensor unpacked = unpack(linear(tokens.x, query_), tokens.layout, keys, values, memory.layout);
    return {linear(unpacked, out_), pack_out_ ? linear(packed, *pack_out_) : packed};
  }

 private:
  /// Attention from each sequence to all of another.
  struct Everything {
    long heads;
    const Dropout& site;
    Tensor operator()(Tensor q, const SequenceLayout& layout, Tensor k, Tensor v, const SequenceLayout& keys) const {
      return softmax_attention(std::move(q), std::move(k), std::move(v), heads, Window::everything(), site, layout,
                               keys);
    }
  };

  /// The values: a second projection of x, or the keys if tied.
  Tensor values_of(const Tensor& x, const Tensor& keys, const Parameter& w) const {
    return config_.tie ? keys : linear(x, w);
  }

  /// All sequences have the same vectors (l,C).
  Tensor causal(const PackedSequences& tokens, const Tensor& vectors) const {
    const auto& [x, layout] = tokens;
    const long head_count = dims_.heads;
    const double root = 1 / std::sqrt(double(dims_.qkv) / double(head_count));
    Tensor places = Tensor::empty({layout.tokens(), 1});  // 1, 2, … in each sequence
    for (long s = 0; s < layout.count(); ++s)
      for (long t = 0; t < layout.size(s); ++t) places.data()[layout.begin(s) + t] = Real(t + 1);
    const Tensor queries = linear(vectors, pack_query_), keys = linear(x, key_), values = values_of(x, keys, value_);
    const Tensor scores = merge_heads(
        matmul(heads(linear(x, pack_key_), head_count), transposed(heads(queries, head_count))));  // (T,H·l)
    const double ln2 = std::log(2.0);
    const Tensor weights = scale(log_sigmoid(scale(scores, -ln2 * root)), -1 / ln2);
    const Tensor unpack = divide_rows(causal_sums(linear(x, query_), keys, weights, head_count, layout), places, 0);
    const Tensor shares = merge_heads(softmax(heads(scale(unpack, root), head_count)));
    return divide_rows(causal_sums(shares, weights, values, head_count, layout), places, 0);
  }

  LunaConfig config_;
  LayerDims dims_;
  Parameter pack_query_, pack_key_, pack_value_, query_, key_, value_, out_;
  std::optional<Parameter> pack_out_;
  Dropout pack_site_, unpack_site_;
};

class Luna final : public Encoder {
 public:
  using Config = LunaConfig;

  Luna(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : blocks_({config.vectors, Init::normal(1), config.carry && !config.causal, /*feeds=*/false}, dims, scope,
                [&](const LayerDims& own, const ParameterScope& place) {
                  return std::make_unique<NestedAttention>(config, own, place);
                }) {}

  PackedSequences forward(PackedSequences tokens) const override { return blocks_.forward(std::move(tokens)); }

 private:
  MemoryBlocks blocks_;
};

const RegisterModel<Luna> registered{
    "luna",
    {.summary = "attention through a few learned vectors that attend to all tokens",
     .paper = "Ma et al. \"Luna: Linear Unified Nested Attention.\" NeurIPS 2021, arXiv:2106.01540",
     .complexity = "O(N l)",
     .kind = "memory",
     .differs =
         "LRA's code does not have it. Both streams are normalised before attention, as in LRA's code and as an option "
         "of the authors' code, where the paper normalises them after. The vectors start without the sinusoid of the "
         "authors' code, there are l of them also for shorter sequences, and projections have no biases. If `qkv` is "
         "not `width`, a projection leads from what the vectors read back to them. With `causal` each layer has its "
         "own vectors, and there is no dropout.",
     .exponent = 1,
     .head_growth = true,
     .causal = true,
     .revision = 2}};

}  // namespace
}  // namespace lra
