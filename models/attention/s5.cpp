/// S5: one linear state space with a diagonal state matrix, whose states read and write all features, evaluated as a
/// scan in each direction; a gate follows.
///
///   Smith, Warrington, Linderman. "Simplified State Space Layers for Sequence Modeling." ICLR 2023, §3 and appendix B.
///   time O(N·P·C)   memory O(N·(P + C)) with P states
///   x' = Λx + Bu, y = 2·Re(C·x) + D∘u, z = GELU(y), result z ∘ σ(z·Wᵀ + b)
///
/// Of P states in conjugate pairs one of each pair is stored. Λ starts at the eigenvalues of the normal part of
/// HiPPO-LegS with P/J states, repeated in J blocks. Time steps belong to the states. Unless `causal`, a second C reads
/// the states of the reversed sequence.
#include "core/error.h"
#include "models/layers/basic.h"
#include "models/layers/hippo.h"
#include "models/layers/mixer.h"
#include "models/layers/shared_states.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class S5 final : public Mixer {
 public:
  struct Config {
    long states = 128, blocks = 8;
    std::string discretisation = "zoh";
    std::string readout = "standard";
    double dt_min = 0.001, dt_max = 0.1;
    bool causal = false;
    void fields(auto&& f) {
      f("states", states, "states of a layer, in conjugate pairs", between(2, 4096));
      f("blocks", blocks, "blocks of equal size that the initial state matrix has", between(1, 2048));
      f("discretisation", discretisation, "zoh or bilinear");
      f("readout", readout, "initial C: standard, lecun or complex, by the authors' names");
      f("dt_min", dt_min, "smallest initial time step", positive());
      f("dt_max", dt_max, "largest initial time step", positive());
      f("causal", causal, "no token sees a later one");
    }
  };

  S5(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : method_(zoh_or_bilinear("s5", config.discretisation)),
        log_step_(scope.add("log_step", {1, config.states / 2}, log_uniform_steps("s5", config.dt_min, config.dt_max),
                            kSlow)),
        real_(scope.add("real", {1, config.states / 2}, Init::constant(-0.5), kSlow)),
        frequency_(scope.add("frequency", {1, config.states / 2}, Init::rows(frequencies(config)), kSlow)),
        in_(scope.add("in", {config.states, dims.width}, Init::normal(std::sqrt(0.5 / double(config.states))), kSlow)),
        states_(scope, dims.width, config.states / 2, deviation(config, dims), config.causal),
        gate_(scope / "gate", dims.width, dims.width, Init::lecun(dims.width), Init::zeros()) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor matrix = concat_columns(std::vector<Tensor>{real_, frequency_});
    const Tensor in = state_inputs(matrix, log_step_, in_, method_);
    Tensor z = gelu(states_(x, in, matrix, log_step_, method_, 2, layout));
    Tensor open = sigmoid(gate_(z));
    return multiply(std::move(z), std::move(open));
  }

 private:
  /// The state space is sensitive: at most this learning rate, without weight decay.
  static constexpr TrainingOptions kSlow{.most_lr = 1e-3, .weight_decay = false};

  static std::vector<double> frequencies(const Config& config) {
    if (config.states % (2 * config.blocks) != 0)
      fail_usage("s5: states is {}; it must be a multiple of twice blocks, {}", config.states, config.blocks);
    const std::vector<double> block = legs_frequencies(config.states / config.blocks);
    std::vector<double> all;
    for (long k = 0; k < config.blocks; ++k) all.insert(all.end(), block.begin(), block.end());
    return all;
  }
  /// The deviation of real and imaginary parts. The authors draw B and C in the basis of the states and then change the
  /// basis by a unitary matrix. Its columns come in conjugate pairs, so the real and the imaginary parts of the result
  /// are again independent, with half of the variance of B, which is real, and the variance of C, which is not.
  static double deviation(const Config& config, const LayerDims& dims) {
    if (config.readout == "standard") return 1 / std::sqrt(double(config.states));
    if (config.readout == "lecun") return 1 / std::sqrt(double(config.states * dims.width));
    if (config.readout == "complex") return std::sqrt(0.5);
    fail_usage("s5: readout is '{}'; it must be standard, lecun or complex", config.readout);
  }

  Discretisation method_;
  Parameter log_step_, real_, frequency_, in_;
  SharedStates states_;
  Linear gate_;
};

const RegisterModel<S5> registered{
    "s5",
    {.summary = "one state space for all features, as a scan",
     .paper = "Smith et al. \"Simplified State Space Layers for Sequence Modeling.\" ICLR 2023, arXiv:2208.04933",
     .complexity = "O(N P)",
     .kind = "state-space",
     .differs =
         "Not among LRA's models. The authors' block is this mixer alone, with batch norm; here it takes the place of "
         "attention in the usual block, which adds a feed-forward part, and norms are layer norms. They apply dropout "
         "before the gate too, here it acts on the mixer's result only. On ListOps and Text their code multiplies the "
         "gate by y instead of GELU(y), and on Image it limits the real parts of Λ to −1e-4; here real parts are free. "
         "Their normal distributions are truncated before the change of basis. Their states and blocks depend on the "
         "task (16 to 384 in 3 to 16 blocks), here they are settings. They train Λ, time steps and B at a learning "
         "rate of about 0.001 whatever the others'; here that is the most it reaches, for every task.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
