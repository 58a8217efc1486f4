/// S4D: every feature passes through linear state spaces of its own with diagonal state matrices, evaluated as one long
/// convolution; a gated linear layer mixes the features.
///
///   Gu, Gupta, Goel, Ré. "On the Parameterization and Initialization of Diagonal State Space Models." NeurIPS 2022,
///   §3 and §4.
///   time O(N·(S + log N)·C)   memory O(N·C), S states per feature
///
/// The states of a feature, in conjugate pairs of which one is stored, follow x' = A x + u with A = −exp(a) + i·b; the
/// output is 2·Re(w·x) at times Δ apart, plus d·u. A second output, of the states that read the sequence backwards, is
/// added unless `causal`.
#include <numbers>

#include "models/layers/gated_convolution.h"
#include "models/layers/hippo.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class S4d final : public Mixer {
 public:
  struct Config {
    long states = 64;
    std::string init = "legs";
    std::string discretisation = "zoh";
    double dt_min = 0.001, dt_max = 0.1;
    bool causal = false;
    void fields(auto&& f) {
      f("states", states, "states per feature, in conjugate pairs: an even number", between(2, 1024));
      f("init", init, "initial state matrix: legs, lin or inv");
      f("discretisation", discretisation, "zoh or bilinear");
      f("dt_min", dt_min, "smallest initial time step", positive());
      f("dt_max", dt_max, "largest initial time step", positive());
      f("causal", causal, "no token sees a later one");
    }
  };

  S4d(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : causal_(config.causal),
        method_(zoh_or_bilinear("s4d", config.discretisation)),
        log_step_(
            scope.add("log_step", {dims.width, 1}, log_uniform_steps("s4d", config.dt_min, config.dt_max), kSlow)),
        log_decay_(scope.add("log_decay", {dims.width, config.states / 2}, Init::constant(std::log(0.5)), kSlow)),
        frequency_(scope.add("frequency", {dims.width, config.states / 2}, Init::rows(frequencies(config)), kSlow)),
        weights_(scope.add("weights", {(causal_ ? 1 : 2) * dims.width, config.states}, Init::normal(std::sqrt(0.5)))),
        convolution_(scope, dims) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor step = exp(log_step_);
    const Tensor weights = multiply(weights_, causal_ ? step : concat_rows(std::vector<Tensor>{step, step}));
    const Tensor matrix = concat_columns(std::vector<Tensor>{scale(exp(log_decay_), -1), frequency_});
    return convolution_.gated(x, state_space(x, matrix, log_step_, weights, method_, layout));
  }

 private:
  /// Time steps and state matrices are sensitive: at most this learning rate, without weight decay.
  static constexpr TrainingOptions kSlow{.most_lr = 1e-3, .weight_decay = false};

  static std::vector<double> frequencies(const Config& config) {
    const double n = double(config.states);
    if (config.states % 2 != 0) fail_usage("s4d: states is {}; it must be even", config.states);
    if (config.init == "legs") return legs_frequencies(config.states);
    std::vector<double> all;
    for (double k = 0; k < n / 2; ++k) {
      if (config.init == "lin")
        all.push_back(std::numbers::pi * k);
      else if (config.init == "inv")
        all.push_back(n / std::numbers::pi * (n / (2 * k + 1) - 1));
      else
        fail_usage("s4d: init is '{}'; it must be legs, lin or inv", config.init);
    }
    return all;
  }

  bool causal_;
  Discretisation method_;
  Parameter log_step_, log_decay_, frequency_, weights_;
  GatedConvolution convolution_;
};

const RegisterModel<S4d> registered{
    "s4d",
    {.summary = "diagonal state spaces as long convolutions",
     .paper = "Gu et al. \"On the Parameterization and Initialization of Diagonal State Space Models.\" NeurIPS 2022, "
              "arXiv:2206.11893",
     .complexity = "O(N (S + log N))",
     .kind = "state-space",
     .differs =
         "Not among LRA's models. The authors' block is this mixer alone, behind batch or layer norm; here it takes "
         "the place of attention in the usual block, which adds a feed-forward part, and norms are layer norms. They "
         "apply dropout before the gated linear layer too, here it acts on the mixer's result only. Input weights are "
         "fixed at 1, since only their product with the output weights matters. The authors train time steps and "
         "state matrices at a learning rate of 0.001 whatever the others'; here that is the most it reaches.",
     .exponent = 1,
     .logarithm = true,
     .causal = true}};

}  // namespace
}  // namespace lra
