/// Set Transformer: tokens exchange information through a few inducing points, and learned seeds pool them.
///
///   Lee, Lee, Kim, Kosiorek, Choi, Teh. "Set Transformer: A Framework for Attention-based Permutation-Invariant Neural
///   Networks." ICML 2019, §3.
///   time O(N·m·C)   memory O(N·C), m inducing points
#include <cmath>
#include <optional>

#include "models/layers/basic.h"
#include "models/layers/latents.h"
#include "models/layers/mixer.h"

namespace lra {
namespace {

/// The multihead attention block MAB(x, set): h = norm(q + attention of q to the set), norm(h + relu(h·Wᵀ + b)), with q
/// the projected x, and scores divided by the square root of all its features, not of a head's.
class AttentionBlock {
 public:
  AttentionBlock(const LayerDims& dims, const ParameterScope& scope)
      : heads_(dims.heads),
        query_(projection(dims, scope / "query")),
        key_(scope.add("key", {dims.width, dims.width}, Init::xavier(dims.width, dims.width))),
        value_(projection(dims, scope / "value")),
        feed_(projection(dims, scope / "feed")),
        norm_(scope / "norm", dims.width),
        feed_norm_(scope / "feed_norm", dims.width),
        probabilities_(scope.dropout("probabilities", dims.attention_dropout)),
        feed_site_(scope.dropout("feed", dims.dropout)) {}

  PackedSequences operator()(const PackedSequences& x, const PackedSequences& set) const {
    const Tensor q = query_(x.x);
    const Tensor read = softmax_attention(scale(q, 1 / std::sqrt(double(heads_))), linear(set.x, key_), value_(set.x),
                                          heads_, Window::everything(), probabilities_, x.layout, set.layout);
    Tensor h = norm_(add(read, q));
    h = feed_norm_(add(dropout(relu(feed_(h)), feed_site_, x.layout), h));
    return {std::move(h), x.layout};
  }

  /// A linear layer of the block, or of the same form.
  static Linear projection(const LayerDims& dims, const ParameterScope& scope) {
    return {scope, dims.width, dims.width, Init::xavier(dims.width, dims.width), Init::normal(1e-6)};
  }

 private:
  long heads_;
  Linear query_;
  Parameter key_;  // a bias would add the same to all scores of a query
  Linear value_, feed_;
  LayerNorm norm_, feed_norm_;
  Dropout probabilities_, feed_site_;
};

class SetTransformer final : public Encoder {
 public:
  struct Config {
    long inducing = 32;
    long seeds = 1;
    bool feed = true;
    long blocks = 1;
    void fields(auto&& f) {
      f("inducing", inducing, "inducing points per layer: learned vectors through which tokens exchange information",
        between(1, kMostOfASize));
      f("seeds", seeds, "learned vectors that attend to the last layer; their results are pooled",
        between(1, kMostOfASize));
      f("feed", feed, "a feed-forward layer between the last layer and the seeds");
      f("blocks", blocks, "attention blocks among the seeds' results", between(0, 1024));
    }
  };

  SetTransformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : seeds_(scope.add("seeds", {config.seeds, dims.width}, Init::xavier(dims.width, config.seeds))),
        pooling_(dims, scope / "pooling") {
    if (config.feed) feed_.emplace(AttentionBlock::projection(dims, scope / "feed"));
    if (dims.width % dims.heads != 0)
      fail_usage("set_transformer: {} heads do not divide the {} features of a token (width)", dims.heads, dims.width);
    for (long l = 0; l < dims.layers; ++l) layers_.emplace_back(config, dims, scope / std::to_string(l));
    for (long b = 0; b < config.blocks; ++b) blocks_.emplace_back(dims, scope / "blocks" / std::to_string(b));
  }

  PackedSequences forward(PackedSequences tokens) const override {
    for (const Layer& layer : layers_) tokens.x = forward_as(layer.path, layer, std::move(tokens.x), tokens.layout);
    if (feed_) tokens.x = relu((*feed_)(std::move(tokens.x)));
    PackedSequences pooled = pooling_(of_each_sequence(seeds_, tokens.layout), tokens);
    for (const AttentionBlock& block : blocks_) pooled = block(pooled, pooled);
    return mean_of_each_sequence(pooled);
  }

 private:
  /// Attention of the inducing points to the tokens, then of the tokens to the points.
  struct Layer final : Mixer {
    Layer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
        : points(scope.add("points", {config.inducing, dims.width}, Init::xavier(dims.width, config.inducing))),
          gather(dims, scope / "gather"),
          spread(dims, scope / "spread"),
          path((scope / "mixer").path()) {}

    Tensor forward(Tensor x, const SequenceLayout& layout) const override {
      const PackedSequences tokens{std::move(x), layout};
      return spread(tokens, gather(of_each_sequence(points, layout), tokens)).x;
    }

    Parameter points;
    AttentionBlock gather, spread;
    std::string path;  // the name in a Capture
  };

  std::vector<Layer> layers_;
  Parameter seeds_;
  AttentionBlock pooling_;
  std::optional<Linear> feed_;
  std::vector<AttentionBlock> blocks_;
};

const RegisterModel<SetTransformer> registered{
    "set_transformer",
    {.summary = "attention through inducing points; learned seeds pool the tokens",
     .paper = "Lee et al. \"Set Transformer: A Framework for Attention-based Permutation-Invariant Neural Networks.\" "
              "ICML 2019, arXiv:1810.00825",
     .complexity = "O(N m)",
     .kind = "memory",
     .differs =
         "LRA's code does not have it. The paper's sets have no order; here the embedding adds positions, as for every "
         "model. Layers are normalised, as in the paper; in the authors' code this is optional. The attention block is "
         "otherwise that of the code: its residual is the projected query, and no matrix follows the heads; the paper "
         "adds the query itself and has that matrix. The decoder is the paper's: a feed-forward layer before the seeds "
         "and an attention block among them, with the classifier's head as its last layer; the code has no layer "
         "before them, and two blocks or none. The settings `qkv` and `ff` have no effect: all its matrices are "
         "`width` squared. Dropout is as in the other models.",
     .exponent = 1,
     .revision = 2}};

}  // namespace
}  // namespace lra
