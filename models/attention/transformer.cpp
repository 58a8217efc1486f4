/// Transformer: exact softmax attention, every token to every token.
///
///   Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin. "Attention Is All You Need." NeurIPS 2017.
///   time O(N²·C)   memory O(N·C), or O(N²·H) when `materialized`
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Transformer final : public Attention {
 public:
  struct Config {
    bool materialized = false;
    bool causal = false;
    void fields(auto&& f) {
      f("materialized", materialized, "store the N×N probabilities, to measure what that costs");
      f("causal", causal, "no token sees a later one");
    }
  };

  static Exponents exponents(const Config& config, Exponents usual) {
    if (config.materialized) usual.bytes = 2;
    return usual;
  }

  Transformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        materialized_(config.materialized),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    window_.causal = config.causal;
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    if (materialized_) return materialized_attention(q, k, v, dims().heads, window_, site_, layout);
    return softmax_attention(q, k, v, dims().heads, window_, site_, layout, layout);
  }

  bool materialized_;
  Window window_ = Window::everything();
  Dropout site_;
};

const RegisterModel<Transformer> registered{
    "transformer",
    {.summary = "exact softmax attention",
     .paper = "Vaswani et al. \"Attention Is All You Need.\" NeurIPS 2017, arXiv:1706.03762",
     .complexity = "O(N²)",
     .kind = "dense",
     .differs =
         "LRA's code adds −1e10 to masked scores, so rows of padding attend evenly to everything; here there is no "
         "padding. The N×N matrix is never stored unless `materialized` is set. The paper normalises after each "
         "sublayer and uses ReLU; blocks here, as LRA's, normalise before it and use GELU.",
     .exponent = 2,
     .head_growth = true,
     .causal = true}};

}  // namespace
}  // namespace lra
