/// Mamba: diagonal linear state spaces whose time steps, inputs and outputs the tokens choose, behind a short
/// convolution, under a gate.
///
///   Gu, Dao. "Mamba: Linear-Time Sequence Modeling with Selective State Spaces." COLM 2024, arXiv:2312.00752, §3.
///   time O(N·C·S)   memory O(N·C), S states per feature
///   each feature: h_t = exp(Δ_t·A)·h_{t−1} + Δ_t·B_t·u_t, y_t = C_t·h_t + D·u_t, A of S negative rates
///   u = swish(conv(x·W)), (r, B, C) = u·W_s, Δ = softplus(r·W_Δ + b); result (y ∘ swish(x·W_z))·W_O
#include <cmath>
#include <vector>

#include "models/layers/mixer.h"
#include "models/layers/selective.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class Mamba final : public Mixer {
 public:
  struct Config {
    long states = 16;
    long expand = 2;
    long taps = 4;
    long rank = 0;
    bool causal = false;
    void fields(auto&& f) {
      f("states", states, "states per feature", between(1, 4096));
      f("expand", expand, "inner features, in features of all heads", between(1, 16));
      f("taps", taps, "of the convolution: the token itself and those on one side", between(1, 64));
      f("rank", rank, "rank of the projection to the time steps; 0 for a sixteenth of the width, rounded up",
        between(0, kMostOfASize));
      f("causal", causal, "no token sees a later one");
    }
  };

  Mamba(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : states_(config.states),
        inner_(config.expand * dims.qkv),
        rank_(config.rank > 0 ? config.rank : (dims.width + 15) / 16),
        direction_(config.causal ? Direction::forward : Direction::both),
        gate_(scope.add("gate", {inner_, dims.width}, Init::torch(dims.width))),
        in_(scope.add("in", {inner_, dims.width}, Init::torch(dims.width))),
        convolution_(scope, inner_, config.taps, config.causal),
        select_(scope.add("select", {rank_ + 2 * states_, inner_}, Init::torch(inner_))),
        step_(scope.add("step", {inner_, rank_}, Init::torch(rank_))),
        step_bias_(scope.add("step_bias", {inner_}, time_step_bias())),
        log_rate_(scope.add("log_rate", {inner_, states_}, Init::rows(log_rates(states_)), kNoDecay)),
        skip_(scope.add("skip", {inner_}, Init::ones(), kNoDecay)),
        out_(scope.add("out", {dims.width, inner_}, Init::torch(inner_))) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor u = convolution_(linear(x, in_), layout);
    const Tensor selected = linear(u, select_);
    const Tensor step = softplus(linear(head_columns(selected, 1, 0, rank_), step_, step_bias_));
    const Tensor y = selective_scan(u, step, scale(exp(log_rate_), -1), head_columns(selected, 1, rank_, states_),
                                    head_columns(selected, 1, rank_ + states_, states_), layout, direction_);
    return linear(multiply(add(y, multiply(u, skip_)), silu(linear(x, gate_))), out_);
  }

 private:
  static constexpr TrainingOptions kNoDecay{.weight_decay = false};

  /// Of the rates 1, 2, 3, …: S4D-Real. Gu, Gupta, Goel, Ré. arXiv:2206.11893, §4.
  static std::vector<double> log_rates(long states) {
    std::vector<double> values;
    for (long m = 1; m <= states; ++m) values.push_back(std::log(double(m)));
    return values;
  }

  long states_, inner_, rank_;
  Direction direction_;
  Parameter gate_, in_;
  ShortConvolution convolution_;
  Parameter select_, step_, step_bias_, log_rate_, skip_, out_;
};

const RegisterModel<Mamba> registered{
    "mamba",
    {.summary = "state spaces whose steps, inputs and outputs the tokens choose",
     .paper = "Gu, Dao. \"Mamba: Linear-Time Sequence Modeling with Selective State Spaces.\" COLM 2024, "
              "arXiv:2312.00752",
     .complexity = "O(N S)",
     .kind = "state-space",
     .differs =
         "LRA's code does not have it. The paper's model is causal, here `causal`; by default a second scan from the "
         "last token to the first, with the same parameters and from the same convolved tokens, is added to the "
         "first, each token's own term counts once, and the convolution is centred and reaches as far to both sides "
         "as the paper's to one. Inputs are discretised as Δ·B, as in the authors' code; the paper's eq. 4 states a "
         "zero-order hold. As in the code, time steps start log-uniform in [0.001,0.1] and have a bias per feature. "
         "Decays below the smallest normal float are 0. The authors' block is this mixer alone behind an RMS norm; "
         "here it takes the place of attention in the usual block, which adds a feed-forward part, and norms are "
         "layer norms. Not compared with the authors' results.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
