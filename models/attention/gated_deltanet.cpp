/// Gated DeltaNet: the memory of DeltaNet, which also decays at a rate that the tokens choose, and a gate on what is
/// read.
///
///   Yang, Kautz, Hatamizadeh. "Gated Delta Networks: Improving Mamba2 with Delta Rule." ICLR 2025, arXiv:2412.06464,
///   §3.1 and §3.4.
///   time O(N·C·D)   memory O(N·C)
///   each head: S_t = (I − β_t·k_t·k_tᵀ)·α_t·S_{t−1} + β_t·k_t·v_tᵀ, o_t = S_tᵀ·q_t, β_t = σ(x_t·w),
///   α_t = exp(−A·softplus(x_t·u + b))
///   q, k, v = SiLU(conv(x·W)), q and k of length 1; result (norm(o) ∘ SiLU(x·W_G))·W_O
#include <algorithm>
#include <cmath>

#include "models/layers/delta_projections.h"
#include "models/layers/head_norm.h"
#include "models/layers/mixer.h"
#include "models/layers/selective.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class GatedDeltaNet final : public Mixer {
 public:
  struct Config : DeltaSettings {
    long value_factor = 2;
    void fields(auto&& f) {
      f("value_factor", value_factor, "features of a value, in features of a key", between(1, 16));
      DeltaSettings::fields(f);
    }
  };

  GatedDeltaNet(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : GatedDeltaNet(config, dims, scope, config.value_factor * dims.qkv) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const auto [q, k, v, beta] = projections_(x, layout);
    const Tensor log_decay = multiply(softplus(linear(x, step_, step_bias_)), scale(exp(log_rate_), -1));
    const Tensor o = delta_attention(q, k, v, beta, log_decay, heads_, layout, direction_);
    return linear(multiply(norm_(o), silu(linear(x, gate_))), out_);
  }

 private:
  static constexpr TrainingOptions kNoDecay{.weight_decay = false};

  /// `values`: features of the values of all heads.
  GatedDeltaNet(const Config& config, const LayerDims& dims, const ParameterScope& scope, long values)
      : heads_(dims.heads),
        direction_(config.direction()),
        projections_(config, dims, scope, values),
        gate_(scope.add("gate", {values, dims.width}, Init::xavier(dims.width, values))),
        step_(scope.add("step", {heads_, dims.width}, Init::xavier(dims.width, heads_))),
        step_bias_(scope.add("step_bias", {heads_}, time_step_bias(), kNoDecay)),
        log_rate_(scope.add(
            "log_rate", {1, heads_},
            Init::mapped([](double rate) { return std::log(std::max(rate, 1e-6)); }, Init::uniform(0, 16)), kNoDecay)),
        norm_(scope / "norm", dims.heads, values),
        out_(scope.add("out", {dims.width, values}, Init::xavier(values, dims.width))) {}

  long heads_;
  Direction direction_;
  DeltaProjections projections_;
  Parameter gate_, step_, step_bias_, log_rate_;
  HeadRmsNorm norm_;
  Parameter out_;
};

const RegisterModel<GatedDeltaNet> registered{
    "gated_deltanet",
    {.summary = "deltanet whose memory decays as the tokens choose",
     .paper = "Yang, Kautz, Hatamizadeh. \"Gated Delta Networks: Improving Mamba2 with Delta Rule.\" ICLR 2025, "
              "arXiv:2412.06464",
     .complexity = "O(N)",
     .kind = "gated",
     .differs =
         "LRA's code does not have it, and the authors publish no settings for LRA. The paper's memory is causal, here "
         "`causal`; by default a second memory with the same weights reads the sequence backwards, results are added, "
         "what a token writes counts once in its own, and the short convolutions are centred and reach as far to both "
         "sides as the paper's to one. The authors' keys have three quarters of the model's features, to pay for "
         "values twice as wide; here keys have the preset's. Weights start from Xavier's distribution, in the "
         "authors' code from a normal one. Their stack has RMS norms and a SwiGLU feed-forward part, here the "
         "framework's.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
