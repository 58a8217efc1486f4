/// GShard: in every other block each token uses two of many feed-forward parts.
///
///   Lepikhin, Lee, Xu, Chen, Firat, Huang, Krikun, Shazeer, Chen. "GShard: Scaling Giant Models with Conditional
///   Computation and Automatic Sharding." ICLR 2021, §2.2 and algorithm 1.
///   time O(N²·C), as the Transformer with one more feed-forward part in those blocks, plus O(N·E·C) for the router
///   memory O(N·C); parameters grow with E
#include "models/layers/experts.h"

namespace lra {
namespace {

class GShard final : public Encoder {
 public:
  struct Config : ExpertSettings {
    bool drop_second = true;
    Config() { capacity = eval_capacity = 1; }
    void fields(auto&& f) {
      ExpertSettings::fields(f);
      f("drop_second", drop_second, "in training, use a token's second expert with a probability of twice its gate");
    }
  };

  GShard(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : blocks_(dims, scope, full_attention(config.causal), alternating(experts(config), feed_forward())) {}

  PackedSequences forward(PackedSequences tokens) const override { return blocks_.forward(std::move(tokens)); }

 private:
  static MakePositionWise experts(const Config& config) {
    return [config](const LayerDims& dims, const ParameterScope& scope) {
      const Routing routing{.choices = 2, .renormalised = true, .drops_second = config.drop_second};
      return std::make_unique<Experts>(config, routing, dims, scope, feed_forward());
    };
  }

  Blocks blocks_;
};

const RegisterModel<GShard> registered{
    "gshard",
    {.summary = "two of many feed-forward parts for each token",
     .paper = "Lepikhin et al. \"GShard: Scaling Giant Models with Conditional Computation and Automatic Sharding.\" "
              "ICLR 2021, arXiv:2006.16668",
     .complexity = "O(N²)",
     .kind = "sparse",
     .differs =
         "LRA's code does not have it. The paper computes capacity and balance per group of tokens; here per sequence, "
         "so that an example does not depend on the other examples in its batch. Second experts are dropped at random "
         "in training only, so that evaluation is deterministic; a dropped one takes no place in its expert, while "
         "algorithm 1 counts it. Capacity is a multiple of 2N/E, since two experts are chosen; in Mesh TensorFlow's "
         "code of N/E. The balance loss is E times the paper's sum over experts, which is 1 for a uniform "
         "distribution, as in the authors' later code. Blocks 0, 2, … have experts; feed-forward parts use GELU, as in "
         "every model here. If `causal`, experts fill up token by token; in the paper the first choice of a later "
         "token goes before the second of an earlier one, in its decoder too.",
     .exponent = 2,
     .causal = true,
     .stochastic = true,
     .auxiliary_loss = true}};

}  // namespace
}  // namespace lra
