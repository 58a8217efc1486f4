/// LION: linear attention over the whole sequence with denominators, in which keys do not decay, decay by a constant
/// per head, or decay by what the tokens choose.
///
///   Afzal, Abad Rocamora, Candogan, Puigdemont, Tonin, Wu, Shoaran, Cevher. "Linear Attention for Efficient
///   Bidirectional Sequence Modeling." arXiv:2502.16249, §3.
///   time O(N·C·D)   memory O(N·C)
///   each head: o_i = Σ_j M_ij φ(q_i)·φ(k_j) v_j / (Σ_j M_ij φ(q_i)·φ(k_j) + ε)
///   φ(x) = (swish(x) + ½) / ‖swish(x) + ½‖; M_ij is the product of λ_t over the tokens j < t ≤ i, or i ≤ t < j
///   λ_t = 1 (LION-LIT), σ(a) (LION-D) or σ(w·x_t + b) (LION-S)
#include <cmath>

#include "models/layers/mixer.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class Lion final : public Mixer {
 public:
  struct Config {
    std::string decay = "selective";
    bool causal = false;
    void fields(auto&& f) {
      f("decay", decay, "of keys: none, constant (per head) or selective (per head and token)");
      f("causal", causal, "no token sees a later one");
    }
  };

  Lion(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : heads_(dims.heads),
        direction_(config.causal ? Direction::forward : Direction::both),
        epsilon_(1e-6 * std::sqrt(double(dims.qkv) / double(dims.heads))),
        projections_(dims, scope) {
    if (config.decay == "constant") {
      constant_ = scope.add("decay", {1, heads_}, Init::normal(1));
    } else if (config.decay == "selective") {
      weights_ = scope.add("decay", {heads_, dims.width}, Init::xavier(dims.width, heads_));
      bias_ = scope.add("decay_bias", {heads_}, Init::zeros());
    } else if (config.decay != "none") {
      fail_usage("lion: decay is '{}'; it must be none, constant or selective", config.decay);
    }
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor q = features(linear(x, projections_.query)), k = features(linear(x, projections_.key));
    const Tensor v = with_ones(linear(x, projections_.value));
    return linear(quotients(decayed_attention(q, k, v, log_decays(x), heads_, layout, direction_)), projections_.out);
  }

 private:
  Tensor features(Tensor x) const {
    return l2_normalize(add(silu(std::move(x)), Tensor::full({1}, Real(0.5))), heads_);
  }

  /// log λ: (T,H), or (1,H) for all tokens.
  Tensor log_decays(const Tensor& x) const {
    const Tensor weights = weights_, constant = constant_;
    if (weights.defined()) return log_sigmoid(linear(x, weights, bias_));
    return constant.defined() ? log_sigmoid(constant) : Tensor::zeros({1, heads_});
  }

  /// Appends a feature to each head whose weighted sum is the denominator: (T,H·D) → (T,H·(D+1)).
  Tensor with_ones(const Tensor& v) const {
    const long tokens = v.dim(0), rows = tokens * heads_;
    return reshaped(concat_columns(std::vector{reshaped(v, rows), Tensor::ones({rows, 1})}), tokens);
  }

  /// Divides each head's features by its last: (T,H·(D+1)) → (T,H·D).
  Tensor quotients(const Tensor& sums) const {
    const long tokens = sums.dim(0), width = sums.dim(1) / heads_ - 1;
    const Tensor by_head = reshaped(sums, tokens * heads_);
    return reshaped(divide_rows(head_columns(by_head, 1, 0, width), head_columns(by_head, 1, width, 1), epsilon_),
                    tokens);
  }

  long heads_;
  Direction direction_;
  double epsilon_;
  Projections projections_;
  Parameter constant_, weights_, bias_;
};

const RegisterModel<Lion> registered{
    "lion",
    {.summary = "linear attention over all tokens whose keys decay in both directions",
     .paper = "Afzal et al. \"Linear Attention for Efficient Bidirectional Sequence Modeling.\" arXiv:2502.16249",
     .complexity = "O(N)",
     .kind = "gated",
     .differs =
         "LRA's code does not have it. Its authors' code uses elu + 1 features where keys do not decay; here, as their "
         "description says, features are the same with any decay. Their code lets a key decay by the tokens from the "
         "key itself up to the query's neighbour; here, as in the paper's recurrence, by those from the key's "
         "neighbour up to the query itself. Decays along other orders of an image's patches are not here. With "
         "`causal`, which the paper does not have, only earlier keys are summed. Their code has no model for LRA; "
         "their queries and keys for images have no rotary positions, and none are here.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
