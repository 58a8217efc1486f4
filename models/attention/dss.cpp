/// DSS: every feature passes through a linear state space whose diagonal state matrix is the same for all features,
/// evaluated as one long convolution; a gated linear layer mixes the features.
///
///   Gupta, Gu, Berant. "Diagonal State Spaces are as Effective as Structured State Spaces." NeurIPS 2022,
///   arXiv:2203.14343, §3.
///   time O(N·(S + log N)·C)   memory O(N·C), S states per feature
///
/// Tap t of a filter is Re Σ_s w_s/λ_s · softmax_t(λ_s·Δ·t) over the length of the task or, with version exp, Re Σ_s
/// w_s/λ_s · (e^{λ_s·Δ} − 1) · e^{λ_s·Δ·t} with Re λ_s = −exp(·). Weights w and Δ are the feature's own, and so are the
/// weights of a second filter for later tokens, which is added unless `causal`.
#include <cmath>

#include "models/layers/gated_convolution.h"
#include "models/layers/hippo.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Dss final : public Mixer {
 public:
  struct Config {
    long states = 64;
    std::string version = "softmax";
    double dt_min = 0.001, dt_max = 0.1;
    bool causal = false;
    void fields(auto&& f) {
      f("states", states, "complex states per feature", between(1, 1024));
      f("version", version, "softmax or exp: how powers of the states are normalised");
      f("dt_min", dt_min, "smallest initial time step", positive());
      f("dt_max", dt_max, "largest initial time step", positive());
      f("causal", causal, "no token sees a later one");
    }
  };

  Dss(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : longest_(dims.length),
        causal_(config.causal),
        softmax_(is_softmax(config)),
        log_step_(
            scope.add("log_step", {dims.width, 1}, log_uniform_steps("dss", config.dt_min, config.dt_max), kSlow)),
        real_(softmax_ ? scope.add("real", {1, config.states}, Init::constant(-0.5), kSlow)
                       : scope.add("log_decay", {1, config.states}, Init::constant(std::log(0.5)), kSlow)),
        frequency_(scope.add("frequency", {1, config.states}, Init::rows(legs_frequencies(2 * config.states)), kSlow)),
        weights_(scope.add("weights", {(causal_ ? 1 : 2) * dims.width, 2 * config.states}, Init::normal(1), kSlow)),
        convolution_(scope, dims) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor real = softmax_ ? Tensor(real_) : scale(exp(real_), -1);
    const Tensor matrix = concat_columns(std::vector<Tensor>{real, frequency_});
    // Factors Δ/2 make w·Δ/(λ·Δ) of the op's w/(λ·Δ), and one of the two conjugate states that it adds.
    const Tensor factor = scale(exp(log_step_), 0.5);
    const Tensor weights = multiply(weights_, causal_ ? factor : concat_rows(std::vector<Tensor>{factor, factor}));
    const Tensor of_features = gather_rows(matrix, std::vector<long>(std::size_t(factor.dim(0)), 0));
    return convolution_.gated(
        x, state_space(x, of_features, log_step_, weights, softmax_ ? Discretisation::softmax : Discretisation::zoh,
                       layout, longest_));
  }

 private:
  /// The state space is sensitive: at most this learning rate, without weight decay.
  static constexpr TrainingOptions kSlow{.most_lr = 1e-3, .weight_decay = false};

  static bool is_softmax(const Config& config) {
    if (config.version == "softmax" || config.version == "exp") return config.version == "softmax";
    fail_usage("dss: version is '{}'; it must be softmax or exp", config.version);
  }

  long longest_;
  bool causal_, softmax_;
  Parameter log_step_, real_, frequency_, weights_;
  GatedConvolution convolution_;
};

const RegisterModel<Dss> registered{
    "dss",
    {.summary = "diagonal state spaces with one state matrix, as long convolutions",
     .paper = "Gupta et al. \"Diagonal State Spaces are as Effective as Structured State Spaces.\" NeurIPS 2022, "
              "arXiv:2203.14343",
     .complexity = "O(N (S + log N))",
     .kind = "state-space",
     .differs =
         "Not among LRA's models. The authors' block is this mixer alone, behind batch or layer norm; here it takes "
         "the place of attention in the usual block, which adds a feed-forward part, and norms are layer norms. Their "
         "last layer is linear, here gated as in later versions of S4, and they apply dropout before it too. They run "
         "LRA with filters for earlier tokens only, here `causal`. Their code has separate time steps for the real and "
         "the imaginary parts of the states, adds a small constant to denominators, and normalises the softmax by the "
         "batch's padded length; here time steps are the paper's, and the length is the longest of the task. They "
         "train the state space at a learning rate of 0.001 whatever the others'; here that is the most it reaches.",
     .exponent = 1,
     .logarithm = true,
     .causal = true}};

}  // namespace
}  // namespace lra
