/// RetNet: linear attention with rotary positions whose keys decay by a constant per head, a group norm instead of
/// denominators, and a gate.
///
///   Sun, Dong, Huang, Ma, Xia, Xue, Wang, Wei. "Retentive Network: A Successor to Transformer for Large Language
///   Models." arXiv:2307.08621, §2.1 and §2.2.
///   time O(N·C·D)   memory O(N·C)
///   head h: S_n = γ_h·S_{n−1} + k_n·v_nᵀ, o_n = S_nᵀ·q_n, γ_h = 1 − 2^(−5−h); result (swish(x·W_G) ∘ GroupNorm(o))·W_O
#include <cmath>

#include "models/layers/head_norm.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class RetNet final : public Mixer {
 public:
  struct Config {
    long value_factor = 2;
    bool causal = false;
    void fields(auto&& f) {
      f("value_factor", value_factor, "features of a value, in features of a key", between(1, 16));
      f("causal", causal, "no token sees a later one");
    }
  };

  RetNet(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : heads_(dims.heads),
        direction_(config.causal ? Direction::forward : Direction::both),
        key_scale_(1 / std::sqrt(double(dims.qkv / dims.heads))),
        query_(head_projection(dims, scope, "query")),
        key_(head_projection(dims, scope, "key")),
        norm_(scope / "norm", dims.heads, config.value_factor * dims.qkv) {
    const long values = config.value_factor * dims.qkv;
    value_ = scope.add("value", {values, dims.width}, Init::xavier(dims.width, values));
    gate_ = scope.add("gate", {values, dims.width}, Init::xavier(dims.width, values));
    out_ = scope.add("out", {dims.width, values}, Init::xavier(values, dims.width));
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor q = rotary(linear(x, query_), heads_, layout);
    const Tensor k = rotary(scale(linear(x, key_), key_scale_), heads_, layout);
    const Tensor o = decayed_attention(q, k, linear(x, value_), log_decays(), heads_, layout, direction_);
    return linear(multiply(silu(linear(x, gate_)), norm_(o)), out_);
  }

 private:
  /// log γ_h (1,H).
  Tensor log_decays() const {
    Tensor y = Tensor::empty({1, heads_});
    for (long h = 0; h < heads_; ++h) y.data()[h] = Real(std::log1p(-std::exp2(-5 - double(h))));
    return y;
  }

  long heads_;
  Direction direction_;
  double key_scale_;
  Parameter query_, key_, value_, gate_, out_;
  GroupNorm norm_;
};

const RegisterModel<RetNet> registered{
    "retnet",
    {.summary = "linear attention whose keys decay by a constant per head",
     .paper = "Sun et al. \"Retentive Network: A Successor to Transformer for Large Language Models.\" "
              "arXiv:2307.08621",
     .complexity = "O(N)",
     .kind = "gated",
     .differs =
         "LRA's code does not have it. The paper's retention is causal, here `causal`; by default later keys decay "
         "likewise. The paper's models pay for values twice as wide as keys by a feed-forward part half as wide, here "
         "the preset's. The authors' code spaces the rotations' frequencies so that the last is exactly 1/10000, uses "
         "an RMS norm without parameters per head, and divides scores by factors that this norm cancels.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
