/// Funnel-Transformer: between blocks of layers the sequence is pooled to half its length; the queries are means of two
/// neighbours, while keys are still all tokens.
///
///   Dai, Lai, Yang, Le. "Funnel-Transformer: Filtering out Sequential Redundancy for Efficient Language Processing."
///   NeurIPS 2020, §2.2.
///   time O(N²·C); a block's layers take a quarter of the time of the previous block's   memory O(N·C)
#include <algorithm>
#include <utility>

#include "models/layers/relative.h"

namespace lra {
namespace {

class Funnel final : public Encoder {
 public:
  struct Config {
    long blocks = 3;
    void fields(auto&& f) {
      f("blocks", blocks, "blocks into which the layers are divided; at most the number of layers", at_least(1));
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    return std::min(config.blocks, dims.layers) > 1 ? "" : "pooling";
  }

  Funnel(const Config& config, const LayerDims& dims, const ParameterScope& scope) : norm_(scope / "norm", dims.width) {
    const long blocks = std::min(config.blocks, dims.layers);
    const auto block_of = [&](long layer) { return layer * blocks / dims.layers; };
    const Init init = Init::uniform(0, 0.1);
    for (long l = 0; l < dims.layers; ++l) {
      const ParameterScope place = scope / std::to_string(l);
      layers_.push_back({l > 0 && block_of(l) != block_of(l - 1),
                         RelativeBlock(dims, place, RelativeBiases(dims, place / "mixer", init), init)});
    }
  }

  PackedSequences forward(PackedSequences tokens) const override {
    double unit = 1;  // the distance between neighbouring rows, in tokens
    for (const Layer& layer : layers_) {
      RelativeContext context;
      context.unit = unit;
      for (long s = 0; s < tokens.layout.count(); ++s)
        context.before = context.after = std::max(context.after, tokens.layout.size(s));
      if (layer.halves) {
        context.rows = std::exchange(tokens, halved(tokens));
        context.query_step = 2;
        unit *= 2;
      }
      context.pattern = everything(tokens.layout, layer.halves ? context.rows.layout : tokens.layout, layer.halves);
      tokens.x = layer.block.forward(std::move(tokens.x), tokens.layout, context);
    }
    return {norm_(std::move(tokens.x)), std::move(tokens.layout)};
  }

 private:
  struct Layer {
    bool halves;
    RelativeBlock block;
  };

  /// Pools each sequence: the first row, then means of pairs of the others; an unpaired last row stays as it is.
  static PackedSequences halved(const PackedSequences& tokens) {
    PackedSequences means{{}, tokens.layout};
    SequenceLayout pairs;
    pairs.offsets = {0};
    for (long s = 0; s < tokens.layout.count(); ++s) {
      pairs.offsets.push_back(tokens.layout.begin(s) + 1);
      while (pairs.tokens() < tokens.layout.begin(s + 1))
        pairs.offsets.push_back(std::min(pairs.tokens() + 2, tokens.layout.begin(s + 1)));
      means.layout.offsets[std::size_t(s) + 1] = pairs.count();
    }
    means.layout.length = 1 + tokens.layout.length / 2;
    means.x = mean_rows(tokens.x, pairs);
    return means;
  }

  /// All pairs. Rows of means are twice as far from each other as the rows that they see, and the first mean, which is
  /// the first row itself, takes the place one step before the second: key j is at position j + 1 if mean i is at 2i.
  static Pattern everything(const SequenceLayout& layout, const SequenceLayout& key_layout, bool halves) {
    return [=](long s, long, const PartVisitor& visit) {
      visit({Positions::all(layout.size(s)), Positions::all(key_layout.size(s)),
             Window::everything().over(1, halves ? 1 : 0)});
    };
  }

  std::vector<Layer> layers_;
  LayerNorm norm_;
};

const RegisterModel<Funnel> registered{
    "funnel",
    {.summary = "blocks of layers, with the sequence halved between them",
     .paper = "Dai et al. \"Funnel-Transformer: Filtering out Sequential Redundancy for Efficient Language "
              "Processing.\" NeurIPS 2020, arXiv:2006.03236",
     .complexity = "O(N²)",
     .kind = "fixed pattern, downsampling",
     .differs =
         "LRA's code does not have it. Blocks are pre-norm, as for every model here, while the paper normalises after "
         "the residual. A sequence's first row is never pooled, whether it is a class token or not. Positions are "
         "those of the authors' code: a mean is at the position of its first token, the first row one step before the "
         "others; but there no position score is added for the first row, neither as a query nor as a key. No token is "
         "cut off to make lengths even. The decoder, which restores the length for tasks on tokens, is omitted; "
         "without it there is no output for each token, so that there is no causal form either. The embedding's "
         "positions are added as well.",
     .exponent = 2,
     .revision = 2}};

}  // namespace
}  // namespace lra
