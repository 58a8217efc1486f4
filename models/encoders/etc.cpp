/// ETC: a few global tokens attend to themselves and the whole sequence, and each token attends to them and to a
/// window, in one softmax with relative positions.
///
///   Ainslie, Ontanon, Alberti, Cvicek, Fisher, Pham, Ravula, Sanghai, Wang, Yang. "ETC: Encoding Long and Structured
///   Inputs in Transformers." EMNLP 2020, §3.
///   time O(N·(g + r)·C)   memory O(N·C + S·g·C)
#include "models/layers/memory_blocks.h"

namespace lra {
namespace {

struct EtcConfig {
  long global_tokens = 32;
  long radius = 84;
  long distance = 12;
  bool share = false;
  bool carry = true;
  void fields(auto&& f) {
    f("global_tokens", global_tokens, "g: tokens that see all and are seen by all", between(1, kMostOfASize));
    f("radius", radius, "r: tokens seen on each side of the query", at_least(0));
    f("distance", distance, "largest distance with a label of its own", between(0, kMostOfASize));
    f("share", share, "global tokens and the others use the same projections");
    f("carry", carry,
      "global tokens pass from layer to layer; otherwise, and with one layer, each layer has its own, which read the "
      "sequence first");
  }
};

/// With one layer nothing would read what global tokens gain.
bool carries(const EtcConfig& config, const LayerDims& dims) { return config.carry && dims.layers > 1; }

/// The keys of each sequence: its global tokens, then its tokens.
struct JoinedKeys {
  SequenceLayout layout;
  std::vector<long> order;  // indices in (all global tokens; all tokens)

  JoinedKeys(const SequenceLayout& tokens, const SequenceLayout& global) : layout(tokens) {
    layout.length = tokens.length + global.length;
    for (long s = 0; s < tokens.count(); ++s) {
      for (long i = global.begin(s); i < global.begin(s + 1); ++i) order.push_back(i);
      for (long i = tokens.begin(s); i < tokens.begin(s + 1); ++i) order.push_back(global.tokens() + i);
      layout.offsets[std::size_t(s) + 1] = tokens.begin(s + 1) + global.begin(s + 1);
    }
  }
};

/// The weights of the attention from one kind of tokens to both kinds.
struct AttentionWeights {
  Parameter query, key, value, global_key, global_value, out, labels;
  Dropout site;

  /// Separate ones: `from` names the queries' kind, `to_long` and `to_global` the directions.
  AttentionWeights(const LayerDims& dims, const ParameterScope& scope, const std::string& from,
                   const std::string& to_long, const std::string& to_global)
      : query(head_projection(dims, scope, from + "_query")),
        key(head_projection(dims, scope, to_long + "_key")),
        value(head_projection(dims, scope, to_long + "_value")),
        global_key(head_projection(dims, scope, to_global + "_key")),
        global_value(head_projection(dims, scope, to_global + "_value")),
        out(out_projection(dims, scope, from + "_out")) {}

  /// The same ones in all directions.
  explicit AttentionWeights(const Projections& all)
      : query(all.query), key(all.key), value(all.value), global_key(all.key), global_value(all.value), out(all.out) {}
};

class GlobalLocalAttention final : public MemoryMixer {
 public:
  GlobalLocalAttention(const EtcConfig& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        heads_(dims.heads),
        long_(config.share ? AttentionWeights(Projections(dims, scope))
                           : AttentionWeights(dims, scope, "long", "l2l", "l2g")) {
    const auto complete = [&](AttentionWeights& w, const std::string& from, long labels) {
      w.labels = scope.add(from + "_labels", {labels, dims.qkv}, Init::normal(0.02));
      w.site = scope.dropout(from + "_probabilities", dims.attention_dropout);
    };
    complete(long_, "long", 2 * config.distance + 2);
    const bool carried = carries(config, dims);
    if (carried && dims.layer + 1 == dims.layers) return;  // nothing reads what the last global tokens gain
    global_ = config.share ? long_ : AttentionWeights(dims, scope, "global", "g2l", "g2g");
    complete(*global_, "global", 2);
    if (!carried) norm_.emplace(scope / "global_norm", dims.width);
  }

  Gains forward(const PackedSequences& tokens, const PackedSequences& memory) const override {
    const JoinedKeys keys(tokens.layout, memory.layout);
    const long g = config_.global_tokens;
    const auto attend = [&](const AttentionWeights& w, const PackedSequences& from, const Tensor& global,
                            const Pattern& pattern, long reach) {
      const auto joined = [&](const Parameter& of_global, const Parameter& of_long) {
        return gather_rows(concat_rows(std::vector{linear(global, of_global), linear(tokens.x, of_long)}), keys.order);
      };
      return linear(
          sparse_attention(linear(from.x, w.query), joined(w.global_key, w.key), joined(w.global_value, w.value),
                           heads_, pattern, w.site, from.layout, keys.layout, {w.labels, reach, g}),
          w.out);
    };
    Tensor global = memory.x, gain;
    if (global_)
      gain = attend(
          *global_, memory, global,
          [g, layout = keys.layout](long s, long, const PartVisitor& visit) {
            visit({Positions::all(g), Positions::all(layout.size(s))});
          },
          0);
    if (norm_) global = (*norm_)(add(gain, global));
    return {attend(
                long_, tokens, global,
                [this, layout = tokens.layout](long s, long, const PartVisitor& visit) {
                  visit_parts(layout.size(s), visit);
                },
                config_.distance),
            gain};
  }

 private:
  void visit_parts(long n, const PartVisitor& visit) const {
    const long g = config_.global_tokens;
    visit({Positions::all(n), Positions(g + n).add(0, g)});
    visit({Positions::all(n), Positions(g + n).add(g, n), Window::band(config_.radius, config_.radius).over(1, -g)});
  }

  EtcConfig config_;
  long heads_;
  AttentionWeights long_;
  std::optional<AttentionWeights> global_;
  std::optional<LayerNorm> norm_;
};

class Etc final : public Encoder {
 public:
  using Config = EtcConfig;

  Etc(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : blocks_({config.global_tokens, Init::normal(carries(config, dims) ? 0.02 : 1), carries(config, dims),
                 /*feeds=*/true},
                dims, scope, [&](const LayerDims& own, const ParameterScope& place) {
                  return std::make_unique<GlobalLocalAttention>(config, own, place);
                }) {}

  PackedSequences forward(PackedSequences tokens) const override { return blocks_.forward(std::move(tokens)); }

 private:
  MemoryBlocks blocks_;
};

const RegisterModel<Etc> registered{
    "etc",
    {.summary = "global tokens that pass from layer to layer, a window, and labels of distance",
     .paper = "Ainslie et al. \"ETC: Encoding Long and Structured Inputs in Transformers.\" EMNLP 2020, "
              "arXiv:2004.08483",
     .complexity = "O(N (g + r))",
     .kind = "fixed pattern, memory",
     .differs =
         "Not in LRA's code. Global tokens are learned and do not represent segments of the text, all distances to "
         "them are equal, labels have no bias, which the authors' code gives them, and there is no pre-training. Both "
         "kinds of tokens are normalised before attention, as in LRA's code, where the authors' code normalises them "
         "after. A layer updates both at once, so that it takes two layers to connect all tokens; a model of one layer "
         "therefore works as with `carry` off. Pooling uses the long input alone, so the last layer does not update "
         "global tokens.",
     .exponent = 1,
     .revision = 2}};

}  // namespace
}  // namespace lra
