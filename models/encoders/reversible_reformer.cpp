/// Reformer with its reversible layers: two streams, of which each layer's inputs follow from its outputs, so that
/// training keeps no activations of layers.
///
///   Kitaev, Kaiser, Levskaya. "Reformer: The Efficient Transformer." ICLR 2020, §3; the attention is
///   attention/reformer.
///
/// - time O(R·N·c·C), a third more in training
/// - memory O(N·C) however many layers
#include "models/layers/blocks.h"
#include "models/layers/reversible.h"

namespace lra {
namespace {

class ReversibleReformer final : public Encoder {
 public:
  struct Config {
    long chunk = 64;
    long buckets = 0;
    long hashes = 2;
    double scale = 0;
    long redraw = 1;
    void fields(auto&& f) {
      f("chunk", chunk, "tokens of a chunk; each chunk sees itself and the one before it", at_least(1));
      f("buckets", buckets, "buckets of a hash, rounded up to an even number or a product of two; 0 for 2N / chunk",
        between(0, 65536));
      f("hashes", hashes, "rounds, each with a hash of its own", between(1, 1024));
      f("scale", scale, "factor of the product of a query and a key of length 1; 0 for 1/√D, the paper's", at_least(0));
      f("redraw", redraw, "training steps between draws of the hashes; 0 for one draw for ever", at_least(0));
    }
  };

  ReversibleReformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : norm_(scope / "norm", dims.width) {
    for (long l = 0; l < dims.layers; ++l) layers_.emplace_back(config, dims, scope / std::to_string(l));
  }

  PackedSequences forward(PackedSequences tokens) const override {
    std::vector<Coupling> couplings;
    for (const Layer& layer : layers_)
      couplings.push_back({[&layer, layout = tokens.layout](Tensor x) {
                             return dropout(layer.mixer->forward(layer.mixer_norm(std::move(x)), layout), layer.site,
                                            layout);
                           },
                           [&layer, layout = tokens.layout](Tensor x) {
                             return layer.feed.forward(layer.feed_norm(std::move(x)), layout);
                           }});
    return {norm_(reversible_mean(tokens.x, std::move(couplings))), std::move(tokens.layout)};
  }

 private:
  struct Layer {
    Layer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
        : mixer_norm(scope / "mixer_norm", dims.width),
          mixer(models().at("reformer").mixer(settings_of(config), dims, scope / "mixer")),
          site(scope.dropout("mixer_out", dims.dropout)),
          feed_norm(scope / "feed_norm", dims.width),
          feed(scope / "feed", dims.width, dims.ff, dims.dropout) {}

    LayerNorm mixer_norm;
    std::unique_ptr<Mixer> mixer;
    Dropout site;
    LayerNorm feed_norm;
    FeedForward feed;
  };

  std::vector<Layer> layers_;
  LayerNorm norm_;
};

const RegisterModel<ReversibleReformer> registered{
    "reversible_reformer",
    {.summary = "reformer in layers that keep nothing for backward",
     .paper = "Kitaev et al. \"Reformer: The Efficient Transformer.\" ICLR 2020, arXiv:2001.04451",
     .complexity = "O(R N c)",
     .kind = "learnable pattern",
     .differs =
         "LRA's code has no reversible layers. The two streams end as their mean, where the authors' code puts them "
         "side by side, so that the head is that of the other models. Hashes are taken again in backward from inputs "
         "that are found up to rounding, as in that code; a token on the edge of two buckets may then change sides. "
         "Feed-forward layers are not cut into chunks along the sequence. There is no causal mode.",
     .exponent = 1,
     .stochastic = true}};

}  // namespace
}  // namespace lra
