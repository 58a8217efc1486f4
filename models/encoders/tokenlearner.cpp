/// TokenLearner: after half of the layers, a few learned mixtures of the tokens replace them.
///
///   Ryoo, Piergiovanni, Arnab, Dehghani, Angelova. "TokenLearner: Adaptive Space-Time Tokenization for Videos."
///   NeurIPS 2021, §2; the maps are those of its version 1.1.
///   time O(N²·C) in the layers before, O(N·S·C) for the mixtures, O(S²·C) in the layers after, for S tokens   memory
///   O(N·C)
#include "models/layers/blocks.h"

namespace lra {
namespace {

class TokenLearner final : public Encoder {
 public:
  struct Config {
    long tokens = 8;
    long before = 0;
    long bottleneck = 64;
    void fields(auto&& f) {
      f("tokens", tokens, "S: learned tokens", between(1, kMostOfASize));
      f("before", before, "layers on the whole sequence; 0 for half of them, rounded up", at_least(0));
      f("bottleneck", bottleneck, "hidden features of the network that computes the maps", between(1, kMostOfASize));
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    return dims.layers > std::max(1L, config.before) ? "" : "layers on the learned tokens";
  }

  TokenLearner(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : map_norm_(scope / "maps.norm", dims.width),
        map_in_(scope / "maps.in", dims.width, config.bottleneck, Init::xavier(dims.width, config.bottleneck),
                Init::normal(1e-6)),
        map_out_(
            scope.add("maps.out", {config.tokens, config.bottleneck}, Init::xavier(config.bottleneck, config.tokens))),
        norm_(scope / "norm", dims.width) {
    if (config.before > dims.layers) fail_usage("tokenlearner: before is {}, of {} layers", config.before, dims.layers);
    const long before = config.before > 0 ? config.before : (dims.layers + 1) / 2;
    for (long l = 0; l < dims.layers; ++l)
      (l < before ? before_ : after_).emplace_back(dims, scope / std::to_string(l), full_attention(), feed_forward());
  }

  PackedSequences forward(PackedSequences tokens) const override {
    for (const Block& block : before_) tokens.x = block.forward(std::move(tokens.x), tokens.layout);
    tokens = learned(tokens);
    for (const Block& block : after_) tokens.x = block.forward(std::move(tokens.x), tokens.layout);
    return {norm_(std::move(tokens.x)), std::move(tokens.layout)};
  }

 private:
  /// S mixtures of each sequence by softmax maps. The last layer of the maps has no bias, which the softmax would
  /// cancel.
  PackedSequences learned(const PackedSequences& tokens) const {
    const Tensor hidden = gelu(map_in_(map_norm_(tokens.x)));
    std::vector<Tensor> parts;
    SequenceLayout layout = tokens.layout;
    layout.length = map_out_.shape()[0];
    for (long s = 0; s < layout.count(); ++s) {
      const long begin = tokens.layout.begin(s), n = tokens.layout.size(s);
      const Tensor maps = softmax(linear(map_out_, rows(hidden, begin, n)));  // (S,n)
      parts.push_back(matmul(maps, rows(tokens.x, begin, n)));
      layout.offsets[std::size_t(s) + 1] = (s + 1) * layout.length;
    }
    return {concat_rows(parts), std::move(layout)};
  }

  LayerNorm map_norm_;
  Linear map_in_;
  Parameter map_out_;
  std::vector<Block> before_, after_;
  LayerNorm norm_;
};

const RegisterModel<TokenLearner> registered{
    "tokenlearner",
    {.summary = "after half of the layers, learned mixtures instead of tokens",
     .paper = "Ryoo et al. \"TokenLearner: Adaptive Space-Time Tokenization for Videos.\" NeurIPS 2021, "
              "arXiv:2106.11297",
     .complexity = "O(N²)",
     .kind = "downsampling",
     .differs =
         "LRA's code does not have it. Maps are those of version 1.1 in the authors' code: a softmax over positions of "
         "a network on each token, where the paper has convolutions over an image and sigmoids. A class token is mixed "
         "like any other; pooling by cls then takes the first learned token. TokenFuser, which returns to all "
         "positions, is omitted.",
     .exponent = 2}};

}  // namespace
}  // namespace lra
