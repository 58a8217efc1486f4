/// Performer: softmax attention estimated without bias by positive random features (FAVOR+).
///
///   Choromanski, Likhosherstov, Dohan, Song, Gane, Sarlos, Hawkins, Davis, Mohiuddin, Kaiser, Belanger, Colwell,
///   Weller. "Rethinking Attention with Performers." ICLR 2021, §2.3 and §2.4.
///   time O(N·M·C)   memory O(N·M·H), M features per head; the heads of a layer share the directions
#include "models/layers/mixer.h"
#include "models/layers/resampled.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Performer final : public Attention {
 public:
  struct Config {
    long features = 256;
    bool orthogonal = true;
    long redraw = 0;
    bool causal = false;
    void fields(auto&& f) {
      f("features", features, "random features per head", between(1, kMostOfASize));
      f("orthogonal", orthogonal, "mutually orthogonal directions, which lowers the variance");
      f("redraw", redraw, "training steps after which directions are sampled again; 0 for never", at_least(0));
      f("causal", causal, "no token sees a later one");
    }
  };

  Performer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        causal_(config.causal),
        directions_(scope.random("features", "directions"), {config.features, dims.qkv / dims.heads}, config.redraw,
                    config.orthogonal ? sample_orthogonal : sample_normal) {}

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    const long heads = dims().heads;
    const Features f = softmax_features(q, k, directions_.at(layout), heads, causal_, layout);
    return kernel_attention(f.queries, f.keys, v, heads, 0, layout, causal_);
  }

  bool causal_;
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
         "ListOps, where it uses two; its directions come from a QR decomposition without the signs that make it "
         "uniform, which biases the kernel, and it adds a constant to every feature. Here every task uses the paper's "
         "unbiased estimator, stabilised by factors that cancel exactly.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
