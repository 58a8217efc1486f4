/// Perceiver: a few learned latents read the sequence by cross-attention and attend to each other; the sequence itself
/// is never transformed.
///
///   Jaegle, Gimeno, Brock, Zisserman, Vinyals, Carreira. "Perceiver: General Perception with Iterative Attention."
///   ICML 2021, §3.1.
///
/// - time O(R·N·M·C + R·B·M²·C) for R readings and B latent blocks after each
/// - memory O(R·N·C + M²)
#include "models/layers/blocks.h"
#include "models/layers/cross_attention.h"
#include "models/layers/latents.h"

namespace lra {
namespace {

class Perceiver final : public Encoder {
 public:
  struct Config {
    long latents = 128;
    long blocks = 1;
    long cross_heads = 1;
    bool share = true;
    void fields(auto&& f) {
      f("latents", latents, "learned vectors that read the sequence", between(1, kMostOfASize));
      f("blocks", blocks, "latent blocks after each reading", between(0, 1024));
      f("cross_heads", cross_heads, "attention heads of a reading; they must divide qkv", between(1, kMostOfASize));
      f("share", share, "all readings except the first share weights, and so do their latent blocks");
    }
  };

  Perceiver(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : readings_(dims.layers), norm_(scope / "norm", dims.width) {
    if (dims.qkv % config.cross_heads != 0)
      fail_usage("perceiver: {} cross_heads do not divide the {} features of queries (qkv)", config.cross_heads,
                 dims.qkv);
    latents_ = scope.add("latents", {config.latents, dims.width}, Init::normal(0.02));
    const long own = config.share ? std::min(2L, readings_) : readings_;
    for (long r = 0; r < own; ++r) parts_.emplace_back(config, dims, scope / std::to_string(r));
  }

  PackedSequences forward(PackedSequences tokens) const override {
    auto [z, layout] = of_each_sequence(latents_, tokens.layout);
    for (long r = 0; r < readings_; ++r)
      z = parts_[std::size_t(std::min(r, long(parts_.size()) - 1))].forward(std::move(z), layout, tokens);
    return {norm_(std::move(z)), std::move(layout)};
  }

 private:
  static LayerDims with_heads(LayerDims dims, long heads) {
    dims.heads = heads;
    return dims;
  }

  struct Part {
    Part(const Config& config, const LayerDims& dims, const ParameterScope& scope)
        : input_norm(scope / "input_norm", dims.width),
          latent_norm(scope / "latent_norm", dims.width),
          read(with_heads(dims, config.cross_heads), scope / "read"),
          site(scope.dropout("read_out", dims.dropout)),
          feed_norm(scope / "feed_norm", dims.width),
          feed(scope / "feed", dims.width, dims.ff, dims.dropout) {
      for (long b = 0; b < config.blocks; ++b)
        blocks.emplace_back(dims, scope / "blocks" / std::to_string(b), full_attention(), feed_forward());
    }

    Tensor forward(Tensor z, const SequenceLayout& layout, const PackedSequences& input) const {
      z = add(dropout(read(latent_norm(z), layout, input_norm(input.x), input.layout), site, layout), z);
      z = feed.residual(std::move(z), feed_norm, layout);
      for (const Block& block : blocks) z = block.forward(std::move(z), layout);
      return z;
    }

    LayerNorm input_norm, latent_norm;
    CrossAttention read;
    Dropout site;
    LayerNorm feed_norm;
    FeedForward feed;
    std::vector<Block> blocks;
  };

  long readings_;
  Parameter latents_;
  std::vector<Part> parts_;
  LayerNorm norm_;
};

const RegisterModel<Perceiver> registered{
    "perceiver",
    {.summary = "learned latents read the sequence and attend to each other",
     .paper = "Jaegle et al. \"Perceiver: General Perception with Iterative Attention.\" ICML 2021, arXiv:2103.03206",
     .complexity = "O(N M)",
     .kind = "memory, downsampling",
     .differs =
         "LRA's code does not have it. The paper concatenates Fourier features of the position to each input; here the "
         "embedding adds positions, as for every model of LRA, so that the comparison is between encoders. The setting "
         "`layers` is the number of readings.",
     .exponent = 1}};

}  // namespace
}  // namespace lra
