/// Set Transformer: tokens meet by way of a few inducing points, and learned seeds pool them.
///
///   Lee, Lee, Kim, Kosiorek, Choi, Teh. "Set Transformer: A Framework for Attention-based Permutation-Invariant Neural
///   Networks." ICML 2019, §3.
///   time O(N·m·C)   memory O(N·C), m inducing points
#include <cmath>

#include "models/layers/basic.h"
#include "models/layers/latents.h"

namespace lra {
namespace {

/// The multihead attention block MAB(x, set): h = norm(q + attention of q to the set), norm(h + relu(h·Wᵀ + b)), with q
/// the projected x, and scores over the root of all its features, not those of a head.
class Meeting {
 public:
  Meeting(const Geometry& geometry, const Scope& scope)
      : heads_(geometry.heads),
        query_(projection(geometry, scope / "query")),
        key_(scope.add("key", {geometry.width, geometry.width}, Init::xavier(geometry.width, geometry.width))),
        value_(projection(geometry, scope / "value")),
        feed_(projection(geometry, scope / "feed")),
        norm_(scope / "norm", geometry.width),
        feed_norm_(scope / "feed_norm", geometry.width),
        probabilities_(scope.dropout("probabilities", geometry.attention_dropout)),
        feed_site_(scope.dropout("feed", geometry.dropout)) {}

  Packed operator()(const Packed& x, const Packed& set) const {
    const Tensor q = query_(x.x);
    const Tensor read = softmax_attention(scale(q, 1 / std::sqrt(double(heads_))), linear(set.x, key_), value_(set.x),
                                          heads_, Window::everything(), probabilities_, x.pack, set.pack);
    Tensor h = norm_(add(read, q));
    h = feed_norm_(add(dropout(relu(feed_(h)), feed_site_, x.pack), h));
    return {std::move(h), x.pack};
  }

 private:
  static Linear projection(const Geometry& geometry, const Scope& scope) {
    return {scope, geometry.width, geometry.width, Init::xavier(geometry.width, geometry.width), Init::normal(1e-6)};
  }

  long heads_;
  Linear query_;
  Parameter key_;  // a bias would change all scores of a query alike
  Linear value_, feed_;
  LayerNorm norm_, feed_norm_;
  Dropout probabilities_, feed_site_;
};

class SetTransformer final : public Encoder {
 public:
  struct Config {
    long inducing = 32;
    long seeds = 1;
    void fields(auto&& f) {
      f("inducing", inducing, "learned vectors by which the tokens of a layer meet", between(1, kMostOfASize));
      f("seeds", seeds, "learned vectors that read the last layer: the rows that are pooled", between(1, kMostOfASize));
    }
  };

  SetTransformer(const Config& config, const Geometry& geometry, const Scope& scope)
      : seeds_(scope.add("seeds", {config.seeds, geometry.width}, Init::xavier(geometry.width, config.seeds))),
        pooling_(geometry, scope / "pooling") {
    if (geometry.width % geometry.heads != 0)
      fail_usage("set_transformer: {} heads do not divide the {} features of a token (width)", geometry.heads,
                 geometry.width);
    for (long l = 0; l < geometry.layers; ++l) layers_.emplace_back(config, geometry, scope / std::to_string(l));
  }

  Packed forward(Packed tokens) const override {
    for (const Layer& layer : layers_)
      tokens = layer.spread(tokens, layer.gather(of_each_sequence(layer.points, tokens.pack), tokens));
    return pooling_(of_each_sequence(seeds_, tokens.pack), tokens);
  }

 private:
  struct Layer {
    Layer(const Config& config, const Geometry& geometry, const Scope& scope)
        : points(scope.add("points", {config.inducing, geometry.width}, Init::xavier(geometry.width, config.inducing))),
          gather(geometry, scope / "gather"),
          spread(geometry, scope / "spread") {}

    Parameter points;
    Meeting gather, spread;
  };

  std::vector<Layer> layers_;
  Parameter seeds_;
  Meeting pooling_;
};

const RegisterModel<SetTransformer> registered{
    "set_transformer",
    {.summary = "tokens meet by inducing points; learned seeds pool them",
     .paper = "Lee et al. \"Set Transformer: A Framework for Attention-based Permutation-Invariant Neural Networks.\" "
              "ICML 2019, arXiv:1810.00825",
     .complexity = "O(N m)",
     .kind = "memory",
     .differs =
         "LRA's code does not have it. Its sets have no order; here the embedding adds positions, as for every model. "
         "Layers are normed, as in the paper; the authors' code does so when asked. The seeds read the last layer "
         "itself, as in that code; the paper puts a feed-forward layer between, and attention among the seeds after. "
         "The settings `qkv` and `ff` mean nothing to it: all its matrices are `width` squared. There is dropout where "
         "the other models have it.",
     .exponent = 1}};

}  // namespace
}  // namespace lra
