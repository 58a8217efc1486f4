/// GShard: in every other block a token uses two of many feed-forward parts.
///
///   Lepikhin, Lee, Xu, Chen, Firat, Huang, Krikun, Shazeer, Chen. "GShard: Scaling Giant Models with Conditional
///   Computation and Automatic Sharding." ICLR 2021, §2.2 and algorithm 1.
///   time O(N²·C) as the Transformer's with one feed-forward part more in those blocks, and the router's O(N·E·C)
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
      f("drop_second", drop_second,
        "in training, a token's second expert is used with twice its gate as the probability");
    }
  };

  GShard(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : blocks_(dims, scope, full_attention(), alternating(experts(config), feed_forward())) {}

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
         "LRA's code does not have it. The paper counts capacity and balance over groups of tokens; here over each "
         "sequence, so that an example does not depend on its company. Second experts are dropped at random in "
         "training only, so that evaluation repeats itself. The loss for balance is E times the paper's sum over "
         "experts, 1 when all are even, as in the authors' later code. Experts stand in blocks 0, 2, …; feed-forward "
         "parts have GELU, as everywhere here.",
     .exponent = 2,
     .stochastic = true,
     .auxiliary_loss = true}};

}  // namespace
}  // namespace lra
