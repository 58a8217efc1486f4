/// Performer: softmax attention estimated without bias by positive random features (FAVOR+), or attention by another
/// kernel f(w·q)·f(w·k).
///
///   Choromanski, Likhosherstov, Dohan, Song, Gane, Sarlos, Hawkins, Davis, Mohiuddin, Kaiser, Belanger, Colwell,
///   Weller. "Rethinking Attention with Performers." ICLR 2021, §2.2 to §2.4.
///   time O(N·M·C)   memory O(N·M·H), M features per head; the heads of a layer share the directions
#include "models/layers/mixer.h"
#include "models/layers/resampled.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

/// Added to each feature of kernels other than softmax, so that no denominator is 0.
constexpr double kStabiliser = 0.001;

class Performer final : public Attention {
 public:
  struct Config {
    std::string kernel = "softmax";
    long features = 256;
    bool orthogonal = true;
    long redraw = 0;
    bool causal = false;
    void fields(auto&& f) {
      f("kernel", kernel,
        "softmax; cosh: softmax by directions in pairs w, −w; or relu or exp of products with directions");
      f("features", features,
        "random features per head, even with cosh; 0 with relu or exp: of queries and keys, without directions",
        between(0, kMostOfASize));
      f("orthogonal", orthogonal, "mutually orthogonal directions, which lowers the variance");
      f("redraw", redraw, "training steps after which directions are sampled again; 0 for never", at_least(0));
      f("causal", causal, "no token sees a later one");
    }
  };

  Performer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        config_(config),
        is_softmax_(config.kernel == "softmax" || config.kernel == "cosh"),
        directions_(scope.random("features", "directions"), {count(config), dims.qkv / dims.heads}, config.redraw,
                    config.orthogonal ? sample_orthogonal : sample_normal) {}

 private:
  /// The number of directions, at least 1. Throws a usage error for settings that do not fit each other.
  static long count(const Config& config) {
    if (config.kernel == "relu" || config.kernel == "exp") return std::max(1L, config.features);
    if (config.kernel != "softmax" && config.kernel != "cosh")
      fail_usage("performer: kernel is '{}'; it must be softmax, cosh, relu or exp", config.kernel);
    if (config.features == 0) fail_usage("performer: the kernel {} needs features", config.kernel);
    if (config.kernel == "softmax") return config.features;
    if (config.features % 2 != 0) fail_usage("performer: features is {}; with cosh it must be even", config.features);
    return config.features / 2;
  }

  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    const Features f = features(std::move(q), std::move(k), layout);
    return kernel_attention(f.queries, f.keys, v, dims().heads, 0, layout, config_.causal);
  }

  Features features(Tensor q, Tensor k, const SequenceLayout& layout) const {
    if (!is_softmax_) return {positive(std::move(q), layout), positive(std::move(k), layout)};
    Tensor w = directions_.at(layout);
    if (config_.kernel == "cosh") w = concat_rows(std::vector{w, scale(w, -1)});
    return softmax_features(q, k, w, dims().heads, config_.causal, layout);
  }

  /// f(x) + ε, or f(w·x) + ε for each head and direction w.
  Tensor positive(Tensor x, const SequenceLayout& layout) const {
    if (config_.features > 0) x = merge_heads(matmul(heads(x, dims().heads), transposed(directions_.at(layout))));
    x = config_.kernel == "relu" ? relu(std::move(x)) : exp(std::move(x));
    return add(std::move(x), Tensor::full({1, 1}, Real(kStabiliser)));
  }

  Config config_;
  bool is_softmax_;
  ResampledConstants directions_;
};

const RegisterModel<Performer> registered{
    "performer",
    {.summary = "softmax attention by positive random features",
     .paper = "Choromanski et al. \"Rethinking Attention with Performers.\" ICLR 2021, arXiv:2009.14794",
     .complexity = "O(N M)",
     .kind = "kernel",
     .differs =
         "LRA's code uses ReLU(x) + 0.001 of queries and keys themselves, without random features, on all tasks but "
         "ListOps, where it uses two; that is `kernel` relu with `features` 0, as in the lra preset. For softmax, its "
         "directions come from a QR decomposition without the signs that make it uniform, which biases the kernel, and "
         "it adds a constant to every feature; here the estimator is the paper's, without bias, stabilised by factors "
         "that cancel exactly. Nyströmformer's code asks for relu, but of a package that ignores this without its "
         "setting `generalized_attention`, so its rows, too, are softmax; it divides queries and keys twice by D^¼. "
         "Directions stay the same unless `redraw` is set, so that evaluation uses the kernel that was trained; the "
         "paper samples them again periodically, LRA's code at every call.",
     .exponent = 1,
     .head_growth = true,
     .causal = true}};

}  // namespace
}  // namespace lra
