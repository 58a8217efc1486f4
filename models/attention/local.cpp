/// Local attention: exact softmax attention within contiguous blocks, or within a window around each token.
///
///   Tay et al. "Long Range Arena." ICLR 2021, §3.2 (block); Parmar et al. "Image Transformer." ICML 2018, §3.2 (one
///   neighbouring block on each side is `neighbours` = 1).
///   time O(N·b·C)   memory O(N·C)
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Local final : public Attention {
 public:
  struct Config {
    long block = 50;
    long neighbours = 0;
    long window = 0;
    bool causal = false;
    void fields(auto&& f) {
      f("block", block, "tokens per block", at_least(1));
      f("neighbours", neighbours, "blocks seen on each side of the query's block", at_least(0));
      f("window", window, "instead of blocks, tokens seen on each side of the query; 0 for blocks", at_least(0));
      f("causal", causal, "no token sees a later one");
    }
  };

  Local(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope), site_(scope.dropout("probabilities", dims.attention_dropout)) {
    window_ = config.window > 0 ? Window::band(config.window, config.window)
                                : Window::blocks(config.block, config.neighbours, config.neighbours);
    window_.causal = config.causal;
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    return softmax_attention(q, k, v, dims().heads, window_, site_, layout, layout);
  }

  Window window_;
  Dropout site_;
};

const RegisterModel<Local> registered{
    "local",
    {.summary = "softmax attention within blocks",
     .paper = "Tay et al. \"Long Range Arena.\" ICLR 2021, arXiv:2011.04006, section 3.2",
     .complexity = "O(N b)",
     .kind = "fixed pattern",
     .differs =
         "LRA's code groups tokens whose positions agree modulo the number of blocks, a strided pattern, while its "
         "padding mask is cut contiguously; here blocks are contiguous, as the paper describes.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
