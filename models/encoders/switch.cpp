/// Switch Transformer: in every other block each token uses one of many feed-forward parts.
///
///   Fedus, Zoph, Shazeer. "Switch Transformers: Scaling to Trillion Parameter Models with Simple and Efficient
///   Sparsity." JMLR 23, 2022, §2.
///   time O(N²·C), as the Transformer, whatever the number of experts, plus O(N·E·C) for the router
///   memory O(N·C); parameters grow with E
#include "models/layers/experts.h"

namespace lra {
namespace {

class Switch final : public Encoder {
 public:
  struct Config : ExpertSettings {
    double jitter = 0.01;
    void fields(auto&& f) {
      ExpertSettings::fields(f);
      f("jitter", jitter, "in training, the router's input is multiplied by random numbers from 1 − this to 1 + this");
    }
  };

  Switch(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : blocks_(dims, scope, full_attention(config.causal), alternating(experts(config), feed_forward())) {}

  PackedSequences forward(PackedSequences tokens) const override { return blocks_.forward(std::move(tokens)); }

 private:
  static MakePositionWise experts(const Config& config) {
    return [config](const LayerDims& dims, const ParameterScope& scope) {
      return std::make_unique<Experts>(config, Routing{.jitter = config.jitter}, dims, scope, feed_forward());
    };
  }

  Blocks blocks_;
};

const RegisterModel<Switch> registered{
    "switch",
    {.summary = "one of many feed-forward parts for each token",
     .paper = "Fedus, Zoph, Shazeer. \"Switch Transformers: Scaling to Trillion Parameter Models with Simple and "
              "Efficient Sparsity.\" JMLR 23, 2022, arXiv:2101.03961",
     .complexity = "O(N²)",
     .kind = "sparse",
     .differs =
         "LRA's code does not have it. The authors compute capacity and balance per group of tokens from several "
         "examples; here per sequence, so that an example does not depend on the other examples in its batch. Blocks "
         "0, 2, … have experts, so that a model of one block has them too. Experts are initialised like other "
         "feed-forward parts here, the router as in the paper. Their dropout is that of the model, and like all "
         "feed-forward parts here they use GELU, where the paper has ReLU.",
     .exponent = 2,
     .causal = true,
     .stochastic = true,
     .auxiliary_loss = true}};

}  // namespace
}  // namespace lra
