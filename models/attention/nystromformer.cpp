/// Nyströmformer: softmax attention approximated from the attention of a few landmarks, the means of segments of the
/// sequence.
///
///   Xiong, Zeng, Chakraborty, Tan, Fung, Li, Singh. "Nyströmformer: A Nyström-Based Algorithm for Approximating
///   Self-Attention." AAAI 2021, §3.
///
/// - time O(N·m·C + m³·H), m landmarks
/// - memory O(N·C + m²·H)
///
///   softmax(Q·K̃ᵀ) · softmax(Q̃·K̃ᵀ)⁺ · softmax(Q̃·Kᵀ) · V, plus a convolution of V along the sequence; in a sequence of
///   at most m tokens each token is a landmark, and attention is exact
#include <cmath>

#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Nystromformer final : public Attention {
 public:
  struct Config {
    long landmarks = 64;
    long iterations = 6;
    long conv = 35;
    void fields(auto&& f) {
      f("landmarks", landmarks, "m: segments into which a sequence is divided", at_least(1));
      f("iterations", iterations, "iterations of the pseudo-inverse of the landmarks' attention", between(0, 1000));
      f("conv", conv, "taps of the added convolution of values, one filter per head; odd, 0 for none",
        between(0, kMostOfASize));
    }
  };

  Nystromformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope), config_(config) {
    if (config.conv != 0 && config.conv % 2 == 0)
      fail_usage("nystromformer: conv is {}; it must be odd, or 0 for none", config.conv);
    const Init init{Init::Kind::uniform, 1 / std::sqrt(double(config.conv))};
    if (config.conv > 0) filters_ = scope.add("filters", {dims.heads, config.conv}, init);
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    const long head_count = dims().heads;
    SequenceLayout segments = layout,
                   landmarks = layout;  // segments as sequences of tokens; landmarks of each sequence
    segments.offsets = {0};
    for (long s = 0; s < layout.count(); ++s) {
      const long n = layout.size(s), m = std::min(n, config_.landmarks);
      for (long u = 1; u <= m; ++u) segments.offsets.push_back(layout.begin(s) + n * u / m);
      landmarks.offsets[std::size_t(s) + 1] = segments.count();
    }
    landmarks.length = std::min(config_.landmarks, layout.length);
    const Tensor landmark_q = mean_rows(q, segments), landmark_k = mean_rows(k, segments);
    const Tensor seen = softmax_attention(landmark_q, k, v, head_count, Window::everything(), {}, landmarks, layout);
    std::vector<Tensor> values;  // values of the landmarks: attention to them gives the result
    for (long s = 0; s < layout.count(); ++s) {
      const long at = landmarks.begin(s), m = landmarks.size(s);
      if (m == layout.size(s)) {
        values.push_back(rows(v, layout.begin(s), m));
        continue;
      }
      const auto heads_of = [&](const Tensor& x) { return heads(rows(x, at, m), head_count); };
      const Tensor scores = matmul(heads_of(landmark_q), transposed(heads_of(landmark_k)));
      const Tensor middle = softmax(scale(scores, 1 / std::sqrt(double(dims().qkv) / double(head_count))));
      values.push_back(merge_heads(matmul(pseudo_inverse(middle, config_.iterations), heads_of(seen))));
    }
    Tensor y =
        softmax_attention(q, landmark_k, concat_rows(values), head_count, Window::everything(), {}, layout, landmarks);
    return config_.conv > 0 ? add(std::move(y), depthwise_convolution(v, filters_, layout)) : y;
  }

  Config config_;
  Parameter filters_;
};

const RegisterModel<Nystromformer> registered{
    "nystromformer",
    {.summary = "softmax attention approximated from that of segment means",
     .paper = "Xiong et al. \"Nyströmformer: A Nyström-Based Algorithm for Approximating Self-Attention.\" AAAI 2021, "
              "arXiv:2102.03902",
     .complexity = "O(N m)",
     .kind = "memory, downsampling",
     .differs =
         "LRA's code does not have it. The authors' code pads to a multiple of m, and in one of its two ways to start "
         "the pseudo-inverse takes the largest norm in the batch, so that an example's result depends on its batch; "
         "here segments differ in length by at most one token and each matrix has its own norm. There is no dropout of "
         "probabilities.",
     .exponent = 1,
     .head_growth = true}};

}  // namespace
}  // namespace lra
