/// Mamba-2: linear state spaces whose time steps, inputs and outputs the tokens choose, with one decay rate per head,
/// so that they are linear attention whose keys decay; behind a short convolution, under a gate.
///
///   Dao, Gu. "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space
///   Duality." ICML 2024, arXiv:2405.21060, §5 to §7.
///   time O(N·C·S)   memory O(N·H·S), S states per feature
///   each head: h_t = exp(−Δ_t·A)·h_{t−1} + Δ_t·B_t·u_tᵀ, y_t = h_tᵀ·C_t + D·u_t, Δ_t = softplus(x_t·w + b)
///   (u, B, C) = swish(conv(x·W)); result norm(y ∘ swish(x·W_z))·W_O
#include <cmath>

#include "models/layers/basic.h"
#include "models/layers/head_norm.h"
#include "models/layers/mixer.h"
#include "models/layers/selective.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class Mamba2 final : public Mixer {
 public:
  struct Config {
    long states = 64;
    long expand = 2;
    long taps = 4;
    bool causal = false;
    void fields(auto&& f) {
      f("states", states, "states per feature", between(1, 4096));
      f("expand", expand, "inner features, in features of all heads", between(1, 16));
      f("taps", taps, "of the convolution: the token itself and those on one side", between(1, 64));
      f("causal", causal, "no token sees a later one");
    }
  };

  Mamba2(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : heads_(dims.heads),
        states_(config.states),
        inner_(config.expand * dims.qkv),
        causal_(config.causal),
        gate_(scope.add("gate", {inner_, dims.width}, Init::torch(dims.width))),
        in_(scope.add("in", {inner_ + 2 * states_, dims.width}, Init::torch(dims.width))),
        convolution_(scope, inner_ + 2 * states_, config.taps, causal_),
        step_(scope.add("step", {heads_, dims.width}, Init::torch(dims.width))),
        step_bias_(scope.add("step_bias", {heads_}, time_step_bias(), kNoDecay)),
        log_rate_(scope.add("log_rate", {1, heads_},
                            Init::mapped([](double rate) { return std::log(rate); }, Init::uniform(1, 16)), kNoDecay)),
        skip_(scope.add("skip", {1, heads_}, Init::ones(), kNoDecay)),
        norm_(scope / "norm", 1, inner_),
        out_(scope.add("out", {dims.width, inner_}, Init::torch(inner_))) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor all = convolution_(linear(x, in_), layout);
    const Tensor u = head_columns(all, 1, 0, inner_);
    const Tensor step = softplus(linear(x, step_, step_bias_));
    const Tensor o = decayed_attention(for_all_heads(head_columns(all, 1, inner_ + states_, states_)),
                                       for_all_heads(head_columns(all, 1, inner_, states_)), scale_heads(u, step),
                                       multiply(step, scale(exp(log_rate_), -1)), heads_, layout,
                                       causal_ ? Direction::forward : Direction::both);
    const Tensor y = add(o, scale_heads(u, add(Tensor::zeros(step.shape()), skip_)));
    return linear(norm_(multiply(y, silu(linear(x, gate_)))), out_);
  }

 private:
  static constexpr TrainingOptions kNoDecay{.weight_decay = false};

  /// (T,S) → (T,H·S).
  Tensor for_all_heads(const Tensor& x) const { return concat_columns(std::vector<Tensor>(std::size_t(heads_), x)); }

  long heads_, states_, inner_;
  bool causal_;
  Parameter gate_, in_;
  ShortConvolution convolution_;
  Parameter step_, step_bias_, log_rate_, skip_;
  HeadRmsNorm norm_;
  Parameter out_;
};

const RegisterModel<Mamba2> registered{
    "mamba2",
    {.summary = "state spaces that the tokens steer, as linear attention whose keys decay",
     .paper = "Dao, Gu. \"Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State "
              "Space Duality.\" ICML 2024, arXiv:2405.21060",
     .complexity = "O(N S)",
     .kind = "state-space",
     .differs =
         "LRA's code does not have it. The paper's model is causal, here `causal`; by default later tokens enter "
         "likewise, each token once, and the convolution is centred and reaches as far to both sides as the paper's "
         "to one. The authors' block is this mixer alone behind an RMS norm; here it takes the place of attention in "
         "the usual block, which adds a feed-forward part, and norms are layer norms. Their heads have 64 features "
         "and their states default to 128 in the code; here the preset's heads share the inner features. All heads "
         "share B and C, as in their default of one group.",
     .exponent = 1,
     .head_growth = true,
     .causal = true}};

}  // namespace
}  // namespace lra
