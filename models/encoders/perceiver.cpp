/// Perceiver: a few learned latents read the sequence by cross-attention and attend to each other; the sequence itself
/// is never transformed.
///
///   Jaegle, Gimeno, Brock, Zisserman, Vinyals, Carreira. "Perceiver: General Perception with Iterative Attention."
///   ICML 2021, §3.1. With `output` query: Jaegle et al. "Perceiver IO." ICLR 2022, §3.
///
/// - time O(R·N·M·C + R·B·M²·C) for R readings and B latent blocks after each
/// - memory O(R·N·C + M²)
#include <optional>

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
    std::string output = "mean";
    void fields(auto&& f) {
      f("latents", latents, "learned vectors that read the sequence", between(1, kMostOfASize));
      f("blocks", blocks, "latent blocks after each reading", between(0, 1024));
      f("cross_heads", cross_heads, "attention heads of a reading; they must divide qkv", between(1, kMostOfASize));
      f("share", share, "all readings except the first share weights, and so do their latent blocks");
      f("output", output, "the state that is pooled: the mean of the latents, or what a learned query reads from them");
    }
  };

  static std::string switched_off(const Config&, const LayerDims& dims) {
    return dims.layers > 1 ? "" : "a second reading";
  }

  Perceiver(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : readings_(dims.layers), norm_(scope / "norm", dims.width) {
    if (dims.qkv % config.cross_heads != 0)
      fail_usage("perceiver: {} cross_heads do not divide the {} features of queries (qkv)", config.cross_heads,
                 dims.qkv);
    latents_ = scope.add("latents", {config.latents, dims.width}, Init::normal(0.02));
    const long own = config.share ? std::min(2L, readings_) : readings_;
    for (long r = 0; r < own; ++r) parts_.emplace_back(config, dims, scope / std::to_string(r));
    if (config.output == "query") {
      query_ = scope.add("query", {1, dims.width}, Init::normal(0.02));
      decoder_.emplace(config, dims, scope / "decoder");
    } else if (config.output != "mean") {
      fail_usage("perceiver: output is '{}'; it must be mean or query", config.output);
    }
  }

  PackedSequences forward(PackedSequences tokens) const override {
    PackedSequences latents = of_each_sequence(latents_, tokens.layout);
    for (long r = 0; r < readings_; ++r)
      parts_[std::size_t(std::min(r, long(parts_.size()) - 1))].forward(latents, tokens);
    if (!decoder_) {
      latents.x = norm_(std::move(latents.x));
      return mean_of_each_sequence(latents);
    }
    PackedSequences result = of_each_sequence(query_, tokens.layout);
    decoder_->forward(result, latents);
    result.x = norm_(std::move(result.x));
    return result;
  }

 private:
  static LayerDims with_heads(LayerDims dims, long heads) {
    dims.heads = heads;
    return dims;
  }

  /// Cross-attention and a feed-forward part.
  struct Reading {
    Reading(const Config& config, const LayerDims& dims, const ParameterScope& scope)
        : input_norm(scope / "input_norm", dims.width),
          latent_norm(scope / "latent_norm", dims.width),
          read(with_heads(dims, config.cross_heads), scope / "read"),
          site(scope.dropout("read_out", dims.dropout)),
          feed_norm(scope / "feed_norm", dims.width),
          feed(scope / "feed", dims.width, dims.ff, dims.dropout) {}

    /// Adds to z what it reads from `input`.
    void forward(PackedSequences& z, const PackedSequences& input) const {
      const Tensor seen = read(latent_norm(z.x), z.layout, input_norm(input.x), input.layout);
      z.x = add(dropout(seen, site, z.layout), z.x);
      z.x = feed.residual(std::move(z.x), feed_norm, z.layout);
    }

    LayerNorm input_norm, latent_norm;
    CrossAttention read;
    Dropout site;
    LayerNorm feed_norm;
    FeedForward feed;
  };

  /// A reading, followed by latent blocks.
  struct Part {
    Part(const Config& config, const LayerDims& dims, const ParameterScope& scope) : reading(config, dims, scope) {
      for (long b = 0; b < config.blocks; ++b)
        blocks.emplace_back(dims, scope / "blocks" / std::to_string(b), full_attention(), feed_forward());
    }

    void forward(PackedSequences& z, const PackedSequences& input) const {
      reading.forward(z, input);
      for (const Block& block : blocks) z.x = block.forward(std::move(z.x), z.layout);
    }

    Reading reading;
    std::vector<Block> blocks;
  };

  long readings_;
  Parameter latents_, query_;
  std::vector<Part> parts_;
  std::optional<Reading> decoder_;
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
         "`layers` is the number of readings. There is no causal mode: every latent reads the whole sequence. The "
         "authors' later Perceiver AR is causal because its latents are the last tokens, not learned vectors.",
     .exponent = 1,
     .revision = 2}};

}  // namespace
}  // namespace lra
