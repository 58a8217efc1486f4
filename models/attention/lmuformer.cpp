/// LMUFormer's mixer: few features of a token are kept in Legendre memories, whose fixed recurrence is evaluated as
/// long convolutions, and every token reads its memory.
///
///   Liu, Datta, Li, Beerel. "LMUFormer: Low Complexity Yet Powerful Spiking Model With Legendre Memory Units." ICLR
///   2024, arXiv:2402.04882, §3 and §4; the parallel form is that of Chilkuri, Eliasmith. arXiv:2102.11417, §3.
///   time O(N·log N·C + N·C²)   memory O(N·C)
///   u_t = ReLU(x_t·W_u + b_u)   m_t = Ā·m_{t−1} + B̄·u_t, so m = H ∗ u   o_t = ReLU(x_t·W_x + m_t·W_m + b)
///   result o·W_O + b_O
///
/// Unless `causal`, a second memory of each feature holds the later tokens, read backwards.
#include <algorithm>

#include "models/layers/basic.h"
#include "models/layers/legendre.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Lmuformer final : public Mixer {
 public:
  struct Config {
    long order = 0;
    long theta = 0;
    long channels = 1;
    bool causal = false;
    void fields(auto&& f) {
      f("order", order, "states of a memory; 0: the width", between(0, 512));
      f("theta", theta, "tokens that a memory spans; 0: the task's longest sequence", at_least(0));
      f("channels", channels, "features of a token that are remembered", between(1, 1024));
      f("causal", causal, "no token sees a later one");
    }
  };

  Lmuformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Lmuformer(config, dims, scope, config.order > 0 ? config.order : dims.width) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor u = relu(remembered_(x));
    const Tensor m = memories_(u, layout);
    return out_(relu(add(own_(std::move(x)), linear(m, memory_))));
  }

 private:
  Lmuformer(const Config& config, const LayerDims& dims, const ParameterScope& scope, long order)
      : remembered_(scope / "remembered", dims.width, config.channels, Init::xavier(dims.width, config.channels),
                    Init::zeros()),
        own_(scope / "own", dims.width, dims.width, Init::xavier(dims.width, dims.width), Init::zeros()),
        out_(scope / "out", dims.width, dims.width, Init::xavier(dims.width, dims.width), Init::zeros()),
        memory_(
            scope.add("memory", {dims.width, states(config, order)}, Init::xavier(states(config, order), dims.width))),
        memories_(config.channels, order, double(config.theta > 0 ? config.theta : std::max(dims.length, 1L)),
                  dims.length, config.causal) {}

  /// Of all memories.
  static long states(const Config& config, long order) { return (config.causal ? 1 : 2) * config.channels * order; }

  Linear remembered_, own_, out_;
  Parameter memory_;
  LegendreMemories memories_;
};

const RegisterModel<Lmuformer> registered{
    "lmuformer",
    {.summary = "Legendre memories of few features, as long convolutions",
     .paper = "Liu et al. \"LMUFormer: Low Complexity Yet Powerful Spiking Model.\" ICLR 2024, arXiv:2402.04882",
     .complexity = "O(N log N)",
     .kind = "state-space",
     .differs =
         "LRA's code does not have it, and the authors publish no settings for LRA. This is the model without spikes. "
         "Its convolutional patch embedding, made for spectrograms and images, is left out: tokens are embedded as for "
         "all models. Its channel mixer, two 1x1 convolutions with a batch norm after each, a GELU after the first and "
         "a ReLU after the second, is replaced by the usual feed-forward part; the batch norm after the last product "
         "is left out, and the usual block has a layer norm before each part. The paper's memory is causal, here "
         "`causal`; by default a second memory of the later tokens has weights of its own. As in the authors' code one "
         "feature is remembered, by as many states as the width, over the whole sequence. They draw weights from "
         "N(0, 0.02), here from Xavier's distribution.",
     .exponent = 1,
     .logarithm = true,
     .causal = true}};

}  // namespace
}  // namespace lra
