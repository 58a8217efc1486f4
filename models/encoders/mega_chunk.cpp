/// Mega with attention within chunks of tokens; the moving averages pass information between chunks.
///
///   Ma, Zhou, Kong, He, Gui, Neubig, May, Zettlemoyer. "Mega: Moving Average Equipped Gated Attention." ICLR 2023,
///   §3.5; the block is layers/moving_average_attention.
///   time O(N·c·C + N·log N·C + N·S·C)   memory O(N·C), S states per feature
#include "models/layers/moving_average_attention.h"

namespace lra {
namespace {

class MegaChunk final : public MegaBlocks {
 public:
  struct Config : MegaSettings {
    long chunk = 128;
    void fields(auto&& f) {
      f("chunk", chunk, "tokens of a chunk, which attend to each other", between(1, kMostOfASize));
      MegaSettings::fields(f);
    }
  };
  MegaChunk(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : MegaBlocks("mega_chunk", config, config.chunk, dims, scope) {}
};

const RegisterModel<MegaChunk> registered{
    "mega_chunk",
    {.summary = "mega with attention within chunks",
     .paper = "Ma et al. \"Mega: Moving Average Equipped Gated Attention.\" ICLR 2023, arXiv:2209.10655",
     .complexity = "O(N (c + log N))",
     .kind = "gated, fixed pattern",
     .differs = "As mega, except that the length is not fixed. Scores under laplace are divided by the number of "
                "visible keys in the chunk.",
     .exponent = 1,
     .logarithm = true,
     .causal = true}};

}  // namespace
}  // namespace lra
