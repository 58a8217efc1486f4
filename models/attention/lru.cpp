/// LRU, the linear recurrent unit: a diagonal complex recurrence that starts on a ring in the unit disc; a gated linear
/// layer follows.
///
///   Orvieto et al. "Resurrecting Recurrent Neural Networks for Long Sequences." ICML 2023, §3 and appendix A.
///   time O(N·P·C)   memory O(N·(P + C)) with P states
///   x_t = λ∘x_{t−1} + γ∘(B·u_t), λ = exp(−e^ν + i·e^θ), y = Re(C·x) + D∘u, result GLU(GELU(y))
///
/// Unless `causal`, a second C reads the states of the reversed sequence.
#include <cmath>

#include "core/error.h"
#include "models/layers/gated_linear.h"
#include "models/layers/mixer.h"
#include "models/layers/shared_states.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Lru final : public Mixer {
 public:
  struct Config {
    long states = 128;
    double r_min = 0, r_max = 1, max_phase = 6.28;
    bool causal = false;
    void fields(auto&& f) {
      f("states", states, "complex states of a layer", between(1, 4096));
      f("r_min", r_min, "inner radius of the ring of initial λ", between(0, 0.9999));
      f("r_max", r_max, "outer radius of the ring of initial λ", between(0.001, 1));
      f("max_phase", max_phase, "largest initial phase of λ, in radians", between(0.001, 6.2832));
      f("causal", causal, "no token sees a later one");
    }
  };

  Lru(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : nu_(scope.add("nu", {1, config.states}, on_ring(config), kSlow)),
        theta_(scope.add("theta", {1, config.states}, phases(config), kSlow)),
        log_gamma_(scope.add("log_gamma", {1, config.states}, Init::computed([this] { return log_norms(); }), kSlow)),
        in_(scope.add("in", {2 * config.states, dims.width}, Init::normal(std::sqrt(0.5 / double(dims.width))), kSlow)),
        states_(scope, dims.width, config.states, 1 / std::sqrt(double(config.states)), config.causal),
        out_(scope, dims.width, Init::lecun(dims.width), Init::zeros()) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    // λ = exp(e^θ·(i − e^(ν−θ))): phases are e^θ, computed in double, times exactly 1.
    const Tensor decay = exp(subtract(nu_, theta_));
    const Tensor matrix = concat_columns(std::vector<Tensor>{scale(decay, -1), Tensor::ones(decay.shape())});
    const Tensor gamma = reshaped(exp(log_gamma_), decay.size());
    const Tensor in = multiply(in_, concat_rows(std::vector<Tensor>{gamma, gamma}));
    return out_(gelu(states_(x, in, matrix, theta_, Discretisation::zoh, 1, layout)));
  }

 private:
  /// The recurrence is sensitive: at most this learning rate, without weight decay.
  static constexpr TrainingOptions kSlow{.most_lr = 1e-3, .weight_decay = false};

  /// ν of |λ|² uniform between r_min² and r_max².
  static Init on_ring(const Config& config) {
    if (config.r_max < config.r_min)
      fail_usage("lru: r_max is {}; it must be at least r_min, {}", config.r_max, config.r_min);
    return Init::mapped([](double square) { return std::log(-0.5 * std::log(square)); },
                        Init::uniform(config.r_min * config.r_min, config.r_max * config.r_max));
  }
  static Init phases(const Config& config) {
    return Init::mapped([](double phase) { return std::log(phase); }, Init::uniform(0, config.max_phase));
  }
  /// log √(1 − |λ|²), which gives states the variance of their inputs.
  std::vector<double> log_norms() const {
    const Tensor nu = nu_;
    std::vector<double> all;
    for (long k = 0; k < nu.size(); ++k)
      all.push_back(0.5 * std::log(-std::expm1(-2 * std::exp(double(nu.data()[k])))));
    return all;
  }

  Parameter nu_, theta_, log_gamma_, in_;
  SharedStates states_;
  GatedLinear out_;
};

const RegisterModel<Lru> registered{
    "lru",
    {.summary = "a linear recurrent unit with states on a ring",
     .paper =
         "Orvieto et al. \"Resurrecting Recurrent Neural Networks for Long Sequences.\" ICML 2023, arXiv:2303.06349",
     .complexity = "O(N P)",
     .kind = "state-space",
     .differs =
         "Not among LRA's models. The paper's recurrence is causal, here `causal`; by default a second C reads the "
         "states of the reversed sequence, as in S5. The authors' block is this mixer alone behind batch norm; here it "
         "takes the place of attention in the usual block, which adds a feed-forward part, and norms are layer norms. "
         "Dropout acts on the mixer's result only. The authors published no code; details are those of "
         "NicolasZucchet/minimal-LRU. The paper tunes the ring, the phases and the learning rate of the recurrence for "
         "each task, which was not verified; here the ring is the whole disc and the learning rate at most 0.001.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
