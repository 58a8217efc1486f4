/// Linear Transformer: softmax replaced by the kernel φ(q)·φ(k) with φ = elu + 1, summed over all keys or over earlier
/// keys.
///
///   Katharopoulos, Vyas, Pappas, Fleuret. "Transformers are RNNs: Fast Autoregressive Transformers with Linear
///   Attention." ICML 2020, §3.2.
///
/// - time O(N·C·D)
/// - memory O(N·C)
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class LinearTransformer final : public Attention {
 public:
  struct Config {
    double epsilon = 1e-6;
    bool causal = false;
    void fields(auto&& f) {
      f("epsilon", epsilon, "added to the denominator", at_least(0));
      f("causal", causal, "no token sees a later one");
    }
  };

  LinearTransformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope), config_(config) {}

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    return kernel_attention(elu_plus_one(std::move(q)), elu_plus_one(std::move(k)), v, dims().heads, config_.epsilon,
                            layout, config_.causal);
  }

  Config config_;
};

const RegisterModel<LinearTransformer> registered{
    "linear",
    {.summary = "kernel attention with elu + 1 features",
     .paper = "Katharopoulos et al. \"Transformers are RNNs.\" ICML 2020, arXiv:2006.16236",
     .complexity = "O(N)",
     .kind = "kernel",
     .differs = "LRA's code includes padding in both sums; here there is no padding.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
