/// Longformer: a sliding window, and global tokens with separate projections that see all and are seen by all.
///
///   Beltagy, Peters, Cohan. "Longformer: The Long-Document Transformer." arXiv:2004.05150, 2020, §3.
///   time O(N·(w + g)·C)   memory O(N·C)
#include <cmath>

#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Longformer final : public Mixer {
 public:
  struct Config {
    long window = 512;
    long first_window = 0;
    long dilation = 1;
    long first_dilated = 0;
    long dilated_heads = 2;
    long global_tokens = 1;
    bool causal = false;
    void fields(auto&& f) {
      f("window", window, "w: tokens seen besides the query, half on each side", at_least(0));
      f("first_window", first_window,
        "w of the first layer, from which it grows to `window` in the last by equal factors; 0 for the same in all",
        at_least(0));
      f("dilation", dilation, "distance between neighbouring tokens of a dilated window", at_least(1));
      f("first_dilated", first_dilated,
        "first layer that dilates, from which dilation grows evenly to the last; 0 for the same in all layers",
        at_least(0));
      f("dilated_heads", dilated_heads, "number of heads, from the first, whose window is dilated", at_least(0));
      f("global_tokens", global_tokens, "leading tokens that are global; the first is the class token of cls pooling",
        at_least(0));
      f("causal", causal, "no token sees a later one, and none is global");
    }
  };

  Longformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        reach_(window(config, dims) / 2),
        dilation_(dilation(config, dims)),
        global_tokens_(config.causal ? 0 : config.global_tokens),
        heads_(dims.heads),
        local_(dims, scope),
        site_(scope.dropout("probabilities", dims.attention_dropout)),
        global_site_(scope.dropout("global_probabilities", dims.attention_dropout)) {
    if (global_tokens_ > 0) global_ = QkvProjections(dims, scope, "global_");
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const long g = global_tokens_;
    Tensor y = sparse_attention(
        linear(x, local_.query), linear(x, local_.key), linear(x, local_.value), heads_,
        [this, layout](long s, long head, const PartVisitor& visit) { visit_parts(layout.size(s), head, visit); },
        site_, layout, layout);
    if (g > 0) y = with_global_rows(std::move(y), x, layout);
    return linear(std::move(y), local_.out);
  }

 private:
  /// The window of a layer.
  static long window(const Config& config, const LayerDims& dims) {
    if (config.first_window == 0 || dims.layers == 1) return config.window;
    const double height = double(dims.layer) / double(dims.layers - 1);
    return std::lround(std::pow(double(config.first_window), 1 - height) * std::pow(double(config.window), height));
  }

  /// The distance between neighbours in a dilated window of a layer.
  static long dilation(const Config& config, const LayerDims& dims) {
    if (config.first_dilated == 0) return config.dilation;
    const long above = dims.layer - config.first_dilated + 1, layers = dims.layers - config.first_dilated;
    return above <= 0 ? 1 : 1 + ((config.dilation - 1) * above + layers - 1) / layers;
  }

  /// Keys of tokens that are not global: all global tokens, and the others in their window.
  void visit_parts(long n, long head, const PartVisitor& visit) const {
    const long g = global_tokens_, step = head < config_.dilated_heads ? dilation_ : 1;
    const long reach = reach_ * step;
    if (g > 0) visit({Positions(n).add(g, n), Positions(n).add(0, g)});
    for (long r = 0; r < std::min(step, n); ++r) {
      const Positions tokens = Positions(n).add(g + r, n, step);
      visit({tokens, tokens, Window::band(reach, config_.causal ? 0 : reach)});
    }
  }

  /// y with the rows of global tokens replaced by their own attention over the whole sequence.
  Tensor with_global_rows(Tensor y, const Tensor& x, const SequenceLayout& layout) const {
    SequenceLayout global = layout;
    std::vector<long> tokens, order;  // of the global rows; indices of the result's rows in (y; global rows)
    for (long s = 0; s < layout.count(); ++s) {
      const long begin = layout.begin(s), count = std::min(global_tokens_, layout.size(s));
      for (long i = 0; i < layout.size(s); ++i) {
        order.push_back(i < count ? layout.tokens() + long(tokens.size()) : begin + i);
        if (i < count) tokens.push_back(begin + i);
      }
      global.offsets[std::size_t(s) + 1] = long(tokens.size());
    }
    const Tensor rows_of_global =
        softmax_attention(linear(gather_rows(x, tokens), global_.query), linear(x, global_.key),
                          linear(x, global_.value), heads_, Window::everything(), global_site_, global, layout);
    return gather_rows(concat_rows(std::vector{std::move(y), rows_of_global}), order);
  }

  Config config_;
  long reach_, dilation_;  // of this layer: neighbours seen on each side, and the distance between them
  long global_tokens_, heads_;
  Projections local_;
  QkvProjections global_;
  Dropout site_, global_site_;
};

const RegisterModel<Longformer> registered{
    "longformer",
    {.summary = "a sliding window and global tokens",
     .paper = "Beltagy, Peters, Cohan. \"Longformer: The Long-Document Transformer.\" 2020, arXiv:2004.05150",
     .complexity = "O(N w)",
     .kind = "fixed pattern, memory",
     .differs =
         "LRA's code makes no token global, not even the one it classifies by, though it holds the second set of "
         "projections, and masks a full N×N matrix; here the first token is global by default and only the window is "
         "computed. Its window is 255 tokens back and 256 ahead, here 256 on both sides. All layers have one window "
         "and no dilation, as in the paper's pretrained encoders. In its language models windows grow from the lowest "
         "layer to the highest, in an ablation from 32 tokens to 512, and two heads of the higher layers dilate them: "
         "`first_window`, `dilation` and `first_dilated`.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
