/// Adaptively sparse Transformer: attention by α-entmax, which assigns zero weight to most keys; each head learns its α
/// between softmax (1) and sparsemax (2).
///
///   Correia, Niculae, Martins. "Adaptively Sparse Transformers." EMNLP 2019, §3.
///   time O(N²·C), including the search for each threshold   memory O(N·C): probabilities are computed in strips
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class AdaptivelySparse final : public Attention {
 public:
  struct Config {
    double alpha = 0;
    bool causal = false;
    void fields(auto&& f) {
      f("alpha", alpha, "0: each head learns its own; otherwise the α of all heads, from 1 (softmax) to 2 (sparsemax)");
      f("causal", causal, "no token sees a later one");
    }
  };

  AdaptivelySparse(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope), config_(config), site_(scope.dropout("probabilities", dims.attention_dropout)) {
    if (config.alpha != 0 && (config.alpha < 1 || config.alpha > 2))
      fail_usage("adaptively_sparse: alpha is {}; it must be from 1 to 2, or 0 to be learned", config.alpha);
    if (config.alpha == 0) excess_ = scope.add("alpha", {1, dims.heads}, Init::normal(1));
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    Tensor alpha = Tensor::full({1, dims().heads}, config_.alpha == 0 ? 1 : Real(config_.alpha));
    if (config_.alpha == 0) alpha = add(sigmoid(excess_), alpha);
    return entmax_attention(q, k, v, alpha, dims().heads, config_.causal, site_, layout);
  }

  Config config_;
  Parameter excess_;  // α = 1 + sigmoid(excess)
  Dropout site_;
};

const RegisterModel<AdaptivelySparse> registered{
    "adaptively_sparse",
    {.summary = "softmax replaced by entmax, with a sparsity that each head learns",
     .paper = "Correia et al. \"Adaptively Sparse Transformers.\" EMNLP 2019, arXiv:1909.00015",
     .complexity = "O(N²)",
     .kind = "sparse",
     .differs =
         "LRA's code does not have it. The authors' code finds the threshold by bisection and stores all N×N "
         "probabilities; here Newton's method, which cannot overshoot, finds it to double precision, and backward "
         "recomputes the probabilities.",
     .exponent = 2,
     .causal = true}};

}  // namespace
}  // namespace lra
