/// Switch Transformer: in every other block the feed-forward part is one of many, chosen for each token.
///
///   Fedus, Zoph, Shazeer. "Switch Transformers: Scaling to Trillion Parameter Models with Simple and Efficient
///   Sparsity." JMLR 23, 2022, §2.
///   time O(N²·C) as the Transformer's, whatever the number of experts, but for the router's O(N·E·C)
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
      : blocks_(dims, scope, full_attention(), alternating(experts(config), feed_forward())) {}

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
         "LRA's code does not have it. The authors count capacity and balance over groups of tokens from several "
         "examples; here over each sequence, so that an example does not depend on its company. Experts stand in "
         "blocks 0, 2, …, so that a model of one block has them too; they start as other feed-forward parts here do, "
         "the router as the paper has it. Their dropout is that of the model.",
     .exponent = 2,
     .stochastic = true,
     .auxiliary_loss = true}};

}  // namespace
}  // namespace lra
