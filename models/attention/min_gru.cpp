/// minGRU: a gated recurrent unit whose gate and candidate depend on the token only, so that its states are a scan.
///
///   Feng, Tung, Ahmed, Bengio, Hajimirsadeghi. "Were RNNs All We Needed?" arXiv:2410.01201, §3.1.
///   time O(N·C²)   memory O(N·C)
///   h_t = (1 − z_t)∘h_{t−1} + z_t∘g(x_t·W_h + b_h), z_t = σ(x_t·W_z + b_z); result h·W_O
#include "models/layers/basic.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

/// x + ½ where x is not negative, σ(x) elsewhere.
Tensor above_zero(const Tensor& x) {
  const Tensor positive = relu(x);
  return add(positive, sigmoid(subtract(x, positive)));
}

class MinGru final : public Mixer {
 public:
  struct Config {
    bool positive = true;
    bool causal = false;
    void fields(auto&& f) {
      f("positive", positive, "states are positive, as the paper's form in log space needs them");
      f("causal", causal, "no token sees a later one");
    }
  };

  MinGru(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : positive_(config.positive),
        direction_(config.causal ? Direction::forward : Direction::both),
        gate_(scope / "gate", dims.width, dims.qkv, Init::xavier(dims.width, dims.qkv), Init::zeros()),
        candidate_(scope / "candidate", dims.width, dims.qkv, Init::xavier(dims.width, dims.qkv), Init::zeros()),
        out_(out_projection(dims, scope)) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor gate = gate_(x), raw = candidate_(x), candidate = positive_ ? above_zero(raw) : raw;
    return linear(gated_scan(sigmoid(scale(gate, -1)), multiply(sigmoid(gate), candidate), layout, direction_), out_);
  }

 private:
  bool positive_;
  Direction direction_;
  Linear gate_, candidate_;
  Parameter out_;
};

const RegisterModel<MinGru> registered{
    "min_gru",
    {.summary = "a gated recurrent unit whose gates see the token only",
     .paper = "Feng et al. \"Were RNNs All We Needed?\" arXiv:2410.01201",
     .complexity = "O(N)",
     .kind = "gated",
     .differs =
         "LRA's code does not have it. The paper's recurrence is causal, here `causal`; by default the states of the "
         "reversed sequence, with the same weights, are added, each token once. The paper computes states in log "
         "space, where candidates must be positive; here the recurrence is evaluated as it stands, and "
         "`positive=false` is the paper's first form, with candidates of either sign. States have as many features as "
         "queries would have, and a projection leads back to the width. The short convolution that may precede the "
         "unit is not here.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
