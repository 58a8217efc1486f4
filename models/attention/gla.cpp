/// Gated linear attention: linear attention in which each feature of a key decays at a rate that the tokens choose, a
/// norm per head instead of denominators, and a gate.
///
///   Yang, Wang, Shen, Panda, Kim. "Gated Linear Attention Transformers with Hardware-Efficient Training." ICML 2024,
///   arXiv:2312.06635, §4.2 and §4.4.
///   time O(N·C·D)   memory O(N·C)
///   each head: S_t = diag(α_t)·S_{t−1} + k_t·v_tᵀ, o_t = S_tᵀ·q_t, α_t = σ(x_t·W₁·W₂ + b)^(1/τ), W₁ (C,16)
///   result (swish(x·W_r) ∘ norm(o))·W_O
#include <algorithm>
#include <cmath>

#include "models/layers/basic.h"
#include "models/layers/head_norm.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class Gla final : public Mixer {
 public:
  struct Config {
    double key_share = 0.5;
    long rank = 16;
    double temperature = 16;
    bool causal = false;
    void fields(auto&& f) {
      f("key_share", key_share, "features of a key, in features of a value", between(0.01, 16));
      f("rank", rank, "rank of the projection to the decays", between(1, kMostOfASize));
      f("temperature", temperature, "τ: decays are sigmoids to the power 1/τ", between(1e-3, 1e6));
      f("causal", causal, "no token sees a later one");
    }
  };

  Gla(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Gla(config, dims, scope, dims.heads * key_width(config, dims)) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor log_decay = scale(log_sigmoid(decay_(linear(x, decay_in_))), 1 / temperature_);
    const Tensor q = scale(linear(x, query_), query_scale_);
    const Tensor o = decayed_attention(q, linear(x, key_), linear(x, value_), log_decay, heads_, layout, direction_);
    return linear(multiply(silu(linear(x, gate_)), norm_(o)), out_);
  }

 private:
  /// At least 2: the norm would cancel a query of one feature but for its sign.
  static long key_width(const Config& config, const LayerDims& dims) {
    const long values = dims.qkv / dims.heads;
    return std::max(2L, std::lround(config.key_share * double(values)));
  }

  /// `keys`: features of the keys of all heads.
  Gla(const Config& config, const LayerDims& dims, const ParameterScope& scope, long keys)
      : heads_(dims.heads),
        direction_(config.causal ? Direction::forward : Direction::both),
        temperature_(config.temperature),
        query_scale_(1 / std::sqrt(double(keys) / double(dims.heads))),
        query_(scope.add("query", {keys, dims.width}, Init::xavier(dims.width, keys))),
        key_(scope.add("key", {keys, dims.width}, Init::xavier(dims.width, keys))),
        value_(head_projection(dims, scope, "value")),
        gate_(head_projection(dims, scope, "gate")),
        out_(out_projection(dims, scope)),
        decay_in_(scope.add("decay_in", {config.rank, dims.width}, Init::xavier(dims.width, config.rank))),
        decay_(scope / "decay", config.rank, keys, Init::xavier(config.rank, keys), Init::zeros()),
        norm_(scope / "norm", dims.heads, dims.qkv) {}

  long heads_;
  Direction direction_;
  double temperature_, query_scale_;
  Parameter query_, key_, value_, gate_, out_, decay_in_;
  Linear decay_;
  HeadRmsNorm norm_;
};

const RegisterModel<Gla> registered{
    "gla",
    {.summary = "linear attention whose keys decay feature by feature",
     .paper = "Yang et al. \"Gated Linear Attention Transformers with Hardware-Efficient Training.\" ICML 2024, "
              "arXiv:2312.06635",
     .complexity = "O(N)",
     .kind = "gated",
     .differs =
         "LRA's code does not have it. The paper's attention is causal, here `causal`; by default later keys decay "
         "likewise. The paper normalises each head by a layer norm and adds a bias before the swish; here, as in the "
         "authors' code, it is an RMS norm with one gamma for all heads, and there is no bias. Their stack has a "
         "SwiGLU feed-forward part, here the framework's.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
