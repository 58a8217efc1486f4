/// DeltaNet: linear attention whose memory replaces what it holds under a key instead of adding to it.
///
///   Yang, Wang, Zhang, Shen, Kim. "Parallelizing Linear Transformers with the Delta Rule over Sequence Length."
///   NeurIPS 2024, arXiv:2406.06484, §2.2, §3.2 and §3.3.
///   time O(N·C·D)   memory O(N·C)
///   each head: S_t = (I − β_t·k_t·k_tᵀ)·S_{t−1} + β_t·k_t·v_tᵀ, o_t = S_tᵀ·q_t, β_t = σ(x_t·w)
///   q, k, v = SiLU(conv(x·W)), q and k of length 1; result norm(o)·W_O
#include "models/layers/delta_projections.h"
#include "models/layers/head_norm.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class DeltaNet final : public Mixer {
 public:
  using Config = DeltaSettings;

  DeltaNet(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : heads_(dims.heads),
        direction_(config.direction()),
        projections_(config, dims, scope, dims.qkv),
        norm_(scope / "norm", dims.heads, dims.qkv),
        out_(out_projection(dims, scope)) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const auto [q, k, v, beta] = projections_(x, layout);
    return linear(norm_(delta_attention(q, k, v, beta, {}, heads_, layout, direction_)), out_);
  }

 private:
  long heads_;
  Direction direction_;
  DeltaProjections projections_;
  HeadRmsNorm norm_;
  Parameter out_;
};

const RegisterModel<DeltaNet> registered{
    "deltanet",
    {.summary = "linear attention whose memory replaces the value of a key",
     .paper = "Yang et al. \"Parallelizing Linear Transformers with the Delta Rule over Sequence Length.\" NeurIPS "
              "2024, arXiv:2406.06484",
     .complexity = "O(N)",
     .kind = "gated",
     .differs =
         "LRA's code does not have it, and the authors publish no settings for LRA. The paper's memory is causal, here "
         "`causal`; by default a second memory with the same weights reads the sequence backwards, results are added, "
         "what a token writes counts once in its own, and the short convolutions are centred and reach as far to both "
         "sides as the paper's to one. Weights start from Xavier's distribution, in the authors' code from a "
         "normal one. Their stack has RMS norms and a SwiGLU feed-forward part, here the framework's.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
