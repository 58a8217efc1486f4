/// Memory-compressed attention: a strided convolution compresses keys and values, so that every token sees the whole
/// sequence with a few tokens per key. In the paper's stack such layers alternate with blocked layers.
///
///   Liu, Saleh, Pot, Goodrich, Sepassi, Kaiser, Shazeer. "Generating Wikipedia by Summarizing Long Sequences."
///   ICLR 2018, §4.2.
///   time O(N²/c·C + N·C²)   memory O(N·C)   an incomplete last group is padded by zeros
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class MemoryCompressed final : public Attention {
 public:
  struct Config {
    long factor = 3;
    bool alternate = false;
    long block = 256;
    bool causal = false;
    void fields(auto&& f) {
      f("factor", factor, "c: width and stride of the convolution over keys and values", between(1, kMostOfASize));
      f("alternate", alternate, "every other layer, from the first, uses blocked attention, as in the paper's stack");
      f("block", block, "tokens per block of blocked attention", at_least(1));
      f("causal", causal,
        "no token sees a later one: a compressed key is visible from its last token on, and a learned key always");
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    return config.alternate && dims.layers == 1 ? "attention to compressed keys" : "";
  }

  MemoryCompressed(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        factor_(config.factor),
        local_(config.alternate && dims.layer % 2 == 0),
        causal_(config.causal),
        block_(config.block),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    if (!local_) key_ = Side(dims, scope / "keys", config, false), value_ = Side(dims, scope / "values", config, true);
  }

 private:
  /// The compression of the keys or values. Keys need no bias: adding a constant to all scores does not change the
  /// softmax, and adding it to all but the learned key's is the same as changing the learned key.
  struct Side {
    Parameter kernel, bias, null;
    Side() = default;
    Side(const LayerDims& dims, const ParameterScope& scope, const Config& config, bool biased) {
      const long c = dims.qkv, wide = config.factor * c;
      kernel = scope.add("kernel", {c, wide}, Init::xavier(wide, c));
      if (biased) bias = scope.add("bias", {c}, Init::zeros());
      if (config.causal) null = scope.add("null", {c}, Init::zeros());
    }
  };

  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    Window window = local_ ? Window::blocks(block_) : Window::everything();
    window.causal = causal_;
    if (local_) return softmax_attention(q, k, v, dims().heads, window, site_, layout, layout);
    std::vector<long> groups;  // the c rows of each key; row T is zero
    SequenceLayout key_layout = layout;
    for (long s = 0; s < layout.count(); ++s) {
      const long n = layout.size(s), count = (n + factor_ - 1) / factor_;
      for (long i = 0; i < count * factor_; ++i) groups.push_back(i < n ? layout.begin(s) + i : layout.tokens());
      key_layout.offsets[std::size_t(s) + 1] = key_layout.begin(s) + count + (causal_ ? 1 : 0);
    }
    key_layout.length = layout.length / factor_ + 2;
    // The learned key is key 0; key j after it covers the tokens up to j·c − 1.
    if (causal_) window = window.over(factor_, -1);
    return softmax_attention(q, compressed(k, key_, groups, key_layout), compressed(v, value_, groups, key_layout),
                             dims().heads, window, site_, layout, key_layout);
  }

  Tensor compressed(Tensor x, const Side& side, const std::vector<long>& groups,
                    const SequenceLayout& key_layout) const {
    const Tensor nothing = Tensor::zeros({1, x.dim(1)});
    x = gather_rows(concat_rows(std::vector{std::move(x), nothing}), groups);
    x = linear(reshaped(x, x.dim(0) / factor_), side.kernel, side.bias);
    return causal_ ? prepend(side.null, x, key_layout) : x;
  }

  long factor_;
  bool local_, causal_;
  long block_;
  Side key_, value_;
  Dropout site_;
};

const RegisterModel<MemoryCompressed> registered{
    "memory_compressed",
    {.summary = "keys and values compressed by a strided convolution",
     .paper = "Liu et al. \"Generating Wikipedia by Summarizing Long Sequences.\" ICLR 2018, arXiv:1801.10198",
     .complexity = "O(N²/c)",
     .kind = "fixed pattern, memory",
     .differs =
         "Not in LRA's code. The paper's decoder is causal and begins and ends with blocked layers; here "
         "it is bidirectional unless `causal` is set, and every layer compresses unless `alternate` is set. With "
         "`causal` a learned key that is always visible, as later implementations have it, serves tokens that come "
         "before the first compressed key.",
     .exponent = 2,
     .causal = true}};

}  // namespace
}  // namespace lra
