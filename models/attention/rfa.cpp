/// Random feature attention: the Gaussian kernel of queries and keys of unit length, estimated by random sines and
/// cosines, or their arc-cosine kernel, by random rectified products; with `causal`, a learned gate decays the past.
///
///   Peng, Pappas, Yogatama, Schwartz, Smith, Kong. "Random Feature Attention." ICLR 2021, §3.
///   time O(N·M·C)   memory O(N·M·H), M directions per head
///   φ(x) = [sin(W·x), cos(W·x)], W ~ N(0, diag(σ²)) with σ learned; the mean of φ(q)·φ(k) / M is exp(−‖σ∘(q − k)‖²/2).
///   arccos: φ(x) = ReLU(W·x); for σ = 1 the mean of φ(q)·φ(k) / M is (sin θ + (π − θ)·cos θ) / 2π, θ the angle
///   gated: S_t = g_t·S_{t−1} + (1 − g_t)·φ(k_t)·v_tᵀ, g_t = sigmoid(w·x_t + b)
#include <optional>

#include "models/layers/basic.h"
#include "models/layers/mixer.h"
#include "models/layers/resampled.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Rfa final : public Mixer {
 public:
  struct Config {
    std::string kernel = "gaussian";
    long features = 64;
    long redraw = 1;
    double least = 0.01;
    bool gate = true;
    bool causal = false;
    void fields(auto&& f) {
      f("kernel", kernel, "gaussian: each direction has a sine and a cosine feature; arccos: a rectified product");
      f("features", features, "M: random directions per head", between(1, kMostOfASize));
      f("redraw", redraw, "training steps after which directions are sampled again; 0 for never", at_least(0));
      f("least", least, "lower bound of a query's estimated mean weight, by which it is normalised", at_least(0));
      f("gate", gate, "with causal: each head learns how the past decays");
      f("causal", causal, "no token sees a later one");
    }
  };

  Rfa(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        heads_(dims.heads),
        directions_(scope.random("features", "directions"), {dims.heads, dims.qkv / dims.heads, config.features},
                    config.redraw, sample_normal),
        projections_(dims, scope) {
    if (config.kernel != "gaussian" && config.kernel != "arccos")
      fail_usage("rfa: kernel is '{}'; it must be gaussian or arccos", config.kernel);
    deviation_ = scope.add("deviation", {1, dims.qkv}, Init::ones());
    if (config.causal && config.gate)
      gate_.emplace(scope / "gate", dims.width, dims.heads, Init::xavier(dims.width, dims.heads), Init::zeros());
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor w = directions(layout), v = linear(x, projections_.value);
    const Tensor fq = features(linear(x, projections_.query), w), fk = features(linear(x, projections_.key), w);
    const double least = config_.least * double(config_.features);
    if (!gate_)
      return linear(kernel_attention(fq, fk, v, heads_, 0, layout, config_.causal, {}, least), projections_.out);
    const Tensor z = (*gate_)(x);
    const Tensor incoming = scale_heads(fk, sigmoid(scale(z, -1)));  // 1 − g
    return linear(kernel_attention(fq, incoming, v, heads_, 0, layout, true, log_sigmoid(z), least), projections_.out);
  }

 private:
  /// (H,D,M): normal samples multiplied by the learned deviations.
  Tensor directions(const SequenceLayout& layout) const {
    const Tensor ones = Tensor::ones({1, config_.features});
    return multiply(directions_.at(layout), matmul(transposed(heads(deviation_, heads_)), ones));
  }

  Tensor features(Tensor x, const Tensor& w) const {
    Tensor products = merge_heads(matmul(heads(l2_normalize(std::move(x), heads_), heads_), w));
    return config_.kernel == "arccos" ? relu(std::move(products)) : sine_cosine(products, heads_);
  }

  Config config_;
  long heads_;
  ResampledConstants directions_;
  Projections projections_;
  Parameter deviation_;
  std::optional<Linear> gate_;
};

const RegisterModel<Rfa> registered{
    "rfa",
    {.summary = "Gaussian kernel attention by random sines and cosines",
     .paper = "Peng et al. \"Random Feature Attention.\" ICLR 2021, arXiv:2103.02143",
     .complexity = "O(N M)",
     .kind = "kernel, recurrence",
     .differs =
         "LRA's code does not have it. The authors' code samples from 500 matrices made before training and clamps "
         "denominators to at least 1 with features a tenth as large; here a sample is a function of the step, and an "
         "estimate of the mean weight below `least`, which the kernel with σ = 1 cannot reach, is replaced by `least`.",
     .exponent = 1,
     .head_growth = true,
     .causal = true,
     .stochastic = true}};

}  // namespace
}  // namespace lra
