/// Poolingformer: attention in a sliding window, then on its results attention in a wider window over pooled keys and
/// values.
///
///   Zhang, Gong, Shen, Li, Lv, Duan, Chen. "Poolingformer: Long Document Modeling with Pooling Attention." ICML 2021,
///   §3.
///   time O(N·(w₁ + w₂/ξ)·C)   memory O(N·C)
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Poolingformer final : public Attention {
 public:
  struct Config {
    long window = 128;
    long wide_window = 512;
    std::string pooling = "convolution";
    long kernel = 5;
    long stride = 4;
    void fields(auto&& f) {
      f("window", window, "w1: tokens that the first level sees on each side", at_least(0));
      f("wide_window", wide_window, "w2: distance up to which the second level sees pooled keys on each side",
        at_least(0));
      f("pooling", pooling,
        "mean, max, or convolution: weighted sums, with weights from a softmax that depends on the middle token");
      f("kernel", kernel, "tokens per pool, an odd number", between(1, 65535));
      f("stride", stride, "tokens between the middles of adjacent pools; at most wide_window + 1", at_least(1));
    }
  };

  Poolingformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        config_(config),
        site_(scope.dropout("probabilities", dims.attention_dropout)),
        wide_site_(scope.dropout("wide_probabilities", dims.attention_dropout)) {
    if (config.wide_window < config.stride - 1)
      fail_usage("poolingformer: stride is {}; it must be at most wide_window + 1, {}", config.stride,
                 config.wide_window + 1);
    if (config.kernel % 2 == 0) fail_usage("poolingformer: kernel is {}; it must be an odd number", config.kernel);
    if (config.pooling != "mean" && config.pooling != "max" && config.pooling != "convolution")
      fail_usage("poolingformer: pooling is '{}'; it may be mean, max or convolution", config.pooling);
    const long c = dims.qkv;
    query_ = scope.add("wide_query", {c, c}, Init::xavier(c, c));
    key_ = scope.add("wide_key", {c, c}, Init::xavier(c, c));
    value_ = scope.add("wide_value", {c, c}, Init::xavier(c, c));
    if (config.pooling != "convolution") return;
    key_pool_ = scope.add("key_pool", {config.kernel, c}, Init::xavier(c, config.kernel));
    value_pool_ = scope.add("value_pool", {config.kernel, c}, Init::xavier(c, config.kernel));
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    const long heads = dims().heads, reach = config_.wide_window;
    const Tensor near = softmax_attention(std::move(q), std::move(k), std::move(v), heads,
                                          Window::band(config_.window, config_.window), site_, layout, layout);
    Tensor wide = softmax_attention(linear(near, query_), pooled(linear(near, key_), key_pool_, layout),
                                    pooled(linear(near, value_), value_pool_, layout), heads,
                                    Window::band(reach, reach).over(config_.stride, 0), wide_site_, layout,
                                    pools_of(layout, config_.stride));
    return add(std::move(wide), near);
  }

  Tensor pooled(const Tensor& x, const Parameter& weights, const SequenceLayout& layout) const {
    if (config_.pooling == "max") return pool_maxima(x, config_.kernel, config_.stride, layout);
    Tensor scores;
    if (config_.pooling == "convolution") scores = linear(gather_rows(x, middles(layout)), weights);
    return pool_rows(x, scores, config_.kernel, config_.stride, layout);
  }

  std::vector<long> middles(const SequenceLayout& layout) const {
    std::vector<long> tokens;
    for (long s = 0; s < layout.count(); ++s)
      for (long i = layout.begin(s); i < layout.begin(s + 1); i += config_.stride) tokens.push_back(i);
    return tokens;
  }

  Config config_;
  Parameter query_, key_, value_, key_pool_, value_pool_;
  Dropout site_, wide_site_;
};

const RegisterModel<Poolingformer> registered{
    "poolingformer",
    {.summary = "a window, then on its results a wider window over pooled keys",
     .paper = "Zhang et al. \"Poolingformer: Long Document Modeling with Pooling Attention.\" ICML 2021, "
              "arXiv:2105.04371",
     .complexity = "O(N (w1 + w2/ξ))",
     .kind = "fixed pattern, memory",
     .differs =
         "Not in LRA's code. All queries share one grid of pools, so that pools are computed once, and a "
         "query sees those whose middle token is in its window; every layer has both levels; at the ends of a sequence "
         "a pool holds only the existing tokens. Written from descriptions of the paper, without code to compare.",
     .exponent = 1}};

}  // namespace
}  // namespace lra
