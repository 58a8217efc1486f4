/// Mega: attention of a single head between moving averages of the tokens, under gates.
///
///   Ma, Zhou, Kong, He, Gui, Neubig, May, Zettlemoyer. "Mega: Moving Average Equipped Gated Attention." ICLR 2023,
///   §3.2 to §3.4; the block is layers/moving_average_attention.
///   time O(N²·C + N·log N·C + N·S·C)   memory O(N·C), S states per feature
#include "models/layers/moving_average_attention.h"

namespace lra {
namespace {

class Mega final : public MegaBlocks {
 public:
  using Config = MegaSettings;
  Mega(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : MegaBlocks("mega", config, dims.length, dims, scope) {}
};

const RegisterModel<Mega> registered{
    "mega",
    {.summary = "gated attention of one head between moving averages of the tokens",
     .paper = "Ma et al. \"Mega: Moving Average Equipped Gated Attention.\" ICLR 2023, arXiv:2209.10655",
     .complexity = "O(N²)",
     .kind = "gated",
     .differs = "LRA's code does not have it. As in the authors' code, averages are divided by the square root of the "
                "number of states, those in both directions include the token itself, reset gates are SiLU, and "
                "scores under laplace are divided by the number of visible keys. The authors normalise by layer, "
                "scale or batch norm, depending on the task, and choose laplace for images; here norms are layer "
                "norms and softmax is the default everywhere. Matrices and γ start at N(0,0.02²) in their code, here "
                "at Xavier's distribution and N(0,1), with which queries and keys learn from the first steps; β "
                "starts at ±1, there with noise of 0.02. They apply dropout to averages and values too; here it acts "
                "on weights of keys and on the candidate. The feed-forward part uses GELU, as in every model here, "
                "theirs SiLU. The setting `heads` has no effect.",
     .exponent = 2,
     .fixed_length = true,
     .causal = true}};

}  // namespace
}  // namespace lra
