/// S4: every feature passes through linear state spaces of its own, whose state matrix starts as HiPPO-LegS, evaluated
/// as one long convolution; a gated linear layer mixes the features.
///
///   Gu, Goel, Ré. "Efficiently Modeling Long Sequences with Structured State Spaces." ICLR 2022, arXiv:2111.00396, §3.
///   time O(N·(S + log N)·C)   memory O(N·C), S states per feature
///
/// The states of a feature, in conjugate pairs of which one is stored, follow x' = A·x + B·u with A = Λ − P·P*, Λ =
/// −exp(a) + i·b diagonal; the output is 2·Re(w·x) at times Δ apart, by the trapezoidal rule, plus d·u. A second
/// output, of the states that read the sequence backwards, is added unless `causal`.
#include "models/layers/gated_convolution.h"
#include "models/layers/hippo.h"
#include "models/layers/mixer.h"
#include "models/ops/dplr_filters.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class S4 final : public Mixer {
 public:
  struct Config {
    long states = 64;
    double dt_min = 0.001, dt_max = 0.1;
    bool causal = false;
    void fields(auto&& f) {
      f("states", states, "states per feature, in conjugate pairs: an even number", between(2, 1024));
      f("dt_min", dt_min, "smallest initial time step", positive());
      f("dt_max", dt_max, "largest initial time step", positive());
      f("causal", causal, "no token sees a later one");
    }
  };

  S4(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : log_step_(scope.add("log_step", {dims.width, 1}, steps(config), kSlow)),
        log_decay_(scope.add("log_decay", {dims.width, config.states / 2}, Init::constant(std::log(0.5)), kSlow)),
        frequency_(scope.add("frequency", {dims.width, config.states / 2}, Init::rows(legs_frequencies(config.states)),
                             kSlow)),
        low_rank_(scope.add("low_rank", {dims.width, config.states}, along_low_rank(config, 1), kSlow)),
        input_(scope.add("input", {dims.width, config.states}, along_low_rank(config, std::sqrt(2)), kSlow)),
        weights_(
            scope.add("weights", {(config.causal ? 1 : 2) * dims.width, config.states}, Init::normal(std::sqrt(0.5)))),
        convolution_(scope, dims) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor matrix = concat_columns(std::vector<Tensor>{scale(exp(log_decay_), -1), frequency_});
    return convolution_.gated(x, dplr_state_space(x, matrix, low_rank_, input_, log_step_, weights_, layout));
  }

 private:
  /// All but the output weights is sensitive: at most this learning rate, without weight decay.
  static constexpr TrainingOptions kSlow{.most_lr = 1e-3, .weight_decay = false};

  static Init steps(const Config& config) {
    if (config.states % 2 != 0) fail_usage("s4: states is {}; it must be even", config.states);
    if (config.dt_max < config.dt_min)
      fail_usage("s4: dt_max is {}; it must be at least dt_min, {}", config.dt_max, config.dt_min);
    return Init::uniform(std::log(config.dt_min), std::log(config.dt_max));
  }
  /// A multiple of the low-rank vector of HiPPO-LegS, whose imaginary parts are zero.
  static Init along_low_rank(const Config& config, double factor) {
    std::vector<double> row = legs_low_rank(config.states);
    for (double& real : row) real *= factor;
    row.resize(std::size_t(config.states));
    return Init::rows(std::move(row));
  }

  Parameter log_step_, log_decay_, frequency_, low_rank_, input_, weights_;
  GatedConvolution convolution_;
};

const RegisterModel<S4> registered{
    "s4",
    {.summary = "state spaces that start as HiPPO-LegS, as long convolutions",
     .paper = "Gu, Goel, Ré. \"Efficiently Modeling Long Sequences with Structured State Spaces.\" ICLR 2022, "
              "arXiv:2111.00396",
     .complexity = "O(N (S + log N))",
     .kind = "state-space",
     .differs =
         "Not among LRA's models. The authors' block is this mixer alone, behind batch or layer norm; here it takes "
         "the place of attention in the usual block, which adds a feed-forward part, and norms are layer norms. They "
         "apply dropout before the gated linear layer too, here it acts on the mixer's result only. They evaluate the "
         "generating function of the filters at roots of unity and train the output weights times I − Ā^L for the "
         "longest sequence L; here the filters come from the recurrence, and the trained weights are the state "
         "space's own. Their published settings share one state matrix and input vector among all features, which "
         "their code also allows each feature to have; here each has its own. They clip the imaginary parts of the "
         "initial input vector at 2; here its phases make it real. They train time steps, state matrices and input "
         "vectors at a learning rate of 0.001 whatever the others'; here that is the most it reaches.",
     .exponent = 1,
     .logarithm = true,
     .causal = true}};

}  // namespace
}  // namespace lra
