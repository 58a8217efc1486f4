/// ETC: learned global tokens attend to the whole sequence, and each token attends to them and to a window, in one
/// softmax with relative positions.
///
///   Ainslie, Ontanon, Alberti, Cvicek, Fisher, Pham, Ravula, Sanghai, Wang, Yang. "ETC: Encoding Long and Structured
///   Inputs in Transformers." EMNLP 2020, §3.
///   time O(N·(g + r)·C)   memory O(N·C + S·g·C)
#include "models/layers/basic.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Etc final : public Mixer {
 public:
  struct Config {
    long global_tokens = 32;
    long radius = 84;
    long distance = 12;
    bool share = false;
    void fields(auto&& f) {
      f("global_tokens", global_tokens, "g: learned tokens that see all and are seen by all", between(1, kMostOfASize));
      f("radius", radius, "r: tokens seen on each side of the query", at_least(0));
      f("distance", distance, "largest distance with a label of its own", between(0, kMostOfASize));
      f("share", share, "global tokens use the same projections as the others");
    }
  };

  Etc(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        heads_(dims.heads),
        global_norm_(scope / "global_norm", dims.width),
        token_(dims, scope),
        global_(config.share ? token_ : Projections(dims, scope, "global_")),
        site_(scope.dropout("probabilities", dims.attention_dropout)),
        global_site_(scope.dropout("global_probabilities", dims.attention_dropout)) {
    tokens_ = scope.add("global_tokens", {config.global_tokens, dims.width}, Init::normal(1));
    labels_ = scope.add("labels", {2 * config.distance + 2, dims.qkv}, Init::normal(0.02));
    global_labels_ = scope.add("global_labels", {2, dims.qkv}, Init::normal(0.02));
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const long g = config_.global_tokens;
    SequenceLayout global_layout = layout, key_layout = layout;  // keys of a sequence: global tokens, then its tokens
    std::vector<long> global_rows, order;                        // indices of the keys in (all global rows; all tokens)
    for (long s = 0; s < layout.count(); ++s) {
      for (long i = 0; i < g; ++i) global_rows.push_back(i), order.push_back(s * g + i);
      for (long i = layout.begin(s); i < layout.begin(s + 1); ++i) order.push_back(layout.count() * g + i);
      global_layout.offsets[std::size_t(s) + 1] = (s + 1) * g;
      key_layout.offsets[std::size_t(s) + 1] = layout.begin(s + 1) + (s + 1) * g;
    }
    global_layout.length = g, key_layout.length = layout.length + g;
    const Tensor k = linear(x, token_.key), v = linear(x, token_.value);
    const auto with_global = [&](const Tensor& global, const Tensor& own) {
      return gather_rows(concat_rows(std::vector{global, own}), order);
    };

    Tensor global = gather_rows(tokens_, global_rows);
    const Tensor gathered = sparse_attention(linear(global, global_.query), with_global(linear(global, global_.key), k),
                                             with_global(linear(global, global_.value), v), heads_,
                                             [g, key_layout](long s, long, const PartVisitor& visit) {
                                               visit({Positions::all(g), Positions::all(key_layout.size(s))});
                                             },
                                             global_site_, global_layout, key_layout, {global_labels_, 0, g});
    global = global_norm_(add(linear(gathered, global_.out), std::move(global)));

    return linear(
        sparse_attention(linear(std::move(x), token_.query), with_global(linear(global, global_.key), k),
                         with_global(linear(global, global_.value), v), heads_,
                         [this, layout](long s, long, const PartVisitor& visit) { visit_parts(layout.size(s), visit); },
                         site_, layout, key_layout, {labels_, config_.distance, g}),
        token_.out);
  }

 private:
  void visit_parts(long n, const PartVisitor& visit) const {
    const long g = config_.global_tokens;
    visit({Positions::all(n), Positions(g + n).add(0, g)});
    visit({Positions::all(n), Positions(g + n).add(g, n), Window::band(config_.radius, config_.radius).over(1, -g)});
  }

  Config config_;
  long heads_;
  LayerNorm global_norm_;
  Projections token_, global_;
  Dropout site_, global_site_;
  Parameter tokens_, labels_, global_labels_;
};

const RegisterModel<Etc> registered{
    "etc",
    {.summary = "learned global tokens, a window, and labels of distance",
     .paper = "Ainslie et al. \"ETC: Encoding Long and Structured Inputs in Transformers.\" EMNLP 2020, "
              "arXiv:2004.08483",
     .complexity = "O(N (g + r))",
     .kind = "fixed pattern, memory",
     .differs =
         "Not in LRA's code. In the paper global tokens pass from layer to layer beside the others, and each "
         "layer updates both at once; here each layer has its own global tokens, which first attend to the sequence "
         "(attention, residual, layer norm) and are then seen by its tokens, so that one layer connects all tokens. "
         "They do not represent segments of the text, all distances to them are equal, and there is no pre-training.",
     .exponent = 1}};

}  // namespace
}  // namespace lra
