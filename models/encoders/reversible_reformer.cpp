/// Reformer with its reversible layers: each layer's inputs can be computed from its outputs in two streams, so that
/// training keeps no activations of layers.
///
///   Kitaev, Kaiser, Levskaya. "Reformer: The Efficient Transformer." ICLR 2020, §3; the attention is
///   attention/reformer.
///
/// - time O(R·N·(c + √(N/c))·C), a third more in training
/// - memory O(N·C), independent of the number of layers
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
    bool causal = false;
    bool across = false;
    void fields(auto&& f) {
      f("chunk", chunk, "tokens per chunk; each chunk sees itself and the previous chunk", at_least(1));
      f("buckets", buckets,
        "buckets per hash, rounded up to an even number or a product of two; 0 for 2N / chunk, or 1 if N ≤ chunk",
        between(0, 65536));
      f("hashes", hashes, "rounds, each with its own hash", between(1, 1024));
      f("scale", scale, "factor of the product of a query and a unit-length key; 0 for the paper's 1/√D", at_least(0));
      f("redraw", redraw, "training steps after which hashes are sampled again; 0 for never", at_least(0));
      f("causal", causal, "no token sees a later one");
      f("across", across,
        "tokens also see other buckets of their chunk and the previous one; the first chunk sees the last");
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
                             x = forward_as(layer.path, *layer.mixer, layer.mixer_norm(std::move(x)), layout);
                             return dropout(std::move(x), layer.site, layout);
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
          path((scope / "mixer").path()),
          site(scope.dropout("mixer_out", dims.dropout)),
          feed_norm(scope / "feed_norm", dims.width),
          feed(scope / "feed", dims.width, dims.ff, dims.dropout) {}

    LayerNorm mixer_norm;
    std::unique_ptr<Mixer> mixer;
    std::string path;  // the name in a Capture
    Dropout site;
    LayerNorm feed_norm;
    FeedForward feed;
  };

  std::vector<Layer> layers_;
  LayerNorm norm_;
};

const RegisterModel<ReversibleReformer> registered{
    "reversible_reformer",
    {.summary = "reformer with reversible layers, which keep nothing for backward",
     .paper = "Kitaev et al. \"Reformer: The Efficient Transformer.\" ICLR 2020, arXiv:2001.04451",
     .complexity = "O(R N (c + √(N/c)))",
     .kind = "learnable pattern",
     .differs =
         "LRA's code has no reversible layers. The result is the mean of the two streams, while the authors' code "
         "concatenates them, so that the head is the same as for other models. Backward hashes inputs that it "
         "recomputes up to rounding, as in that code, so a token at the boundary of two buckets may change its bucket. "
         "Feed-forward layers are not divided into chunks along the sequence.",
     .exponent = 1,
     .head_growth = true,
     .causal = true,
     .stochastic = true,
     .revision = 2}};

}  // namespace
}  // namespace lra
