/// HGRN: a recurrence whose forget gates have a lower bound that rises from layer to layer, over complex states.
///
///   Qin, Yang, Zhong. "Hierarchically Gated Recurrent Neural Network for Sequence Modeling." NeurIPS 2023,
///   arXiv:2311.04823, §3.
///   time O(N·C²)   memory O(N·C)
///   h_t = λ_t∘e^{iθ}∘h_{t−1} + (1 − λ_t)∘c_t, λ_t = γ + (1 − γ)∘σ(x_t·W_μ + b_μ), c_t = swish(x_t·W_c + b_c)
///   γ of a layer is the sum of the shares of those before it; a feature's shares are a softmax over the layers
///   result (norm(h) ∘ swish(x·W_g + b_g))·W_O + b_O
#include <cmath>
#include <vector>

#include "models/layers/basic.h"
#include "models/layers/head_norm.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class Hgrn final : public Mixer {
 public:
  struct Config {
    bool complex = true;
    bool causal = false;
    void fields(auto&& f) {
      f("complex", complex, "states are complex, and turn by an angle per token that each feature learns");
      f("causal", causal, "no token sees a later one");
    }
  };

  Hgrn(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : complex_(config.complex),
        causal_(config.causal),
        layer_(dims.layer),
        forget_(layer(dims.width, dims.qkv, scope / "forget")),
        input_(layer(dims.width, numbers(dims), scope / "input")),
        gate_(layer(dims.width, numbers(dims), scope / "gate")),
        out_(layer(numbers(dims), dims.width, scope / "out")),
        norm_(scope / "norm", 1, numbers(dims)) {
    if (complex_) angles_ = scope.add("angles", {1, dims.qkv}, Init::rows(frequencies(dims.qkv)));
    if (dims.layers > 1) shares_ = scope.shared("forget_shares", {dims.qkv, dims.layers}, Init::zeros());
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor forgotten = forgotten_of(x);
    const Tensor kept = subtract(Tensor::ones({1, forgotten.dim(1)}), forgotten);
    const Tensor input =
        multiply(silu(input_(x)), complex_ ? concat_columns(std::vector{forgotten, forgotten}) : forgotten);
    Tensor h = gated_scan(kept, input, layout, Direction::forward, angles_);
    if (!causal_) h = add(std::move(h), gated_scan(kept, input, layout, Direction::backward, angles_));
    return out_(multiply(norm_(h), silu(gate_(x))));
  }

 private:
  static Linear layer(long in, long out, const ParameterScope& scope) {
    return Linear(scope, in, out, Init::xavier(in, out), Init::zeros());
  }
  /// Real numbers in a state.
  long numbers(const LayerDims& dims) const { return (complex_ ? 2 : 1) * dims.qkv; }
  static std::vector<double> frequencies(long width) {
    std::vector<double> all;
    for (double c = 0; c < double(width); ++c) all.push_back(std::pow(10000.0, -2 * c / double(width)));
    return all;
  }

  /// 1 − λ (T,C) = (1 − γ)·(1 − μ), where 1 − γ is the sum of the shares from this layer on.
  Tensor forgotten_of(const Tensor& x) const {
    Tensor open = sigmoid(scale(forget_(x), -1));
    if (layer_ == 0) return open;
    const Tensor shares = softmax(shares_);
    return multiply(std::move(open), reshaped(sum(head_columns(shares, 1, layer_, shares.dim(1) - layer_), -1), 1));
  }

  bool complex_, causal_;
  long layer_;
  Linear forget_, input_, gate_, out_;
  GroupNorm norm_;  // of one group: a layer norm with this layer's ε
  Parameter angles_, shares_;
};

const RegisterModel<Hgrn> registered{
    "hgrn",
    {.summary = "a gated recurrence over complex states, which higher layers must keep for longer",
     .paper =
         "Qin, Yang, Zhong. \"Hierarchically Gated Recurrent Neural Network for Sequence Modeling.\" NeurIPS 2023, "
         "arXiv:2311.04823",
     .complexity = "O(N)",
     .kind = "gated",
     .differs =
         "LRA's code does not have it. The paper's language models are causal, here `causal`; as in the authors' code "
         "for LRA, the default adds the states of both directions, which have the same weights and both contain the "
         "token itself. The paper gates before the norm, the authors' code after it, as here. Their stack has a gated "
         "linear unit as its feed-forward part, and batch norms on LRA; here both are the framework's. On LRA's images "
         "they use a form for two dimensions, here the sequence of pixels. `complex=false` is the authors' real form.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
