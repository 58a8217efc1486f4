/// Long convolutions: every feature has a filter as long as the longest sequence whose taps are free parameters, kept
/// sparse by a threshold; a gated linear layer mixes the features.
///
///   Fu, Epstein, Nguyen, Thomas, Zhang, Dao, Rudra, Ré. "Simple Hardware-Efficient Long Convolutions for Sequence
///   Modeling." ICML 2023, arXiv:2302.06646, §3.
///   time O(N·log N·C)   memory O(N·C)
///   taps sign(k)·max(|k| − λ, 0) of the parameters k (length,C), and as many for later tokens unless `causal`
#include "models/layers/gated_convolution.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class LongConv final : public Mixer {
 public:
  struct Config {
    double threshold = 0.002;
    double kernel_dropout = 0.2;
    bool causal = false;
    void fields(auto&& f) {
      f("threshold", threshold, "λ, by which the magnitudes of taps are reduced", at_least(0));
      f("kernel_dropout", kernel_dropout, "share of taps that a training step drops", between(0, 0.99));
      f("causal", causal, "no token sees a later one");
    }
  };

  LongConv(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : threshold_(config.threshold),
        kernel_(scope.add("kernel", {dims.length, (config.causal ? 1 : 2) * dims.width}, Init::normal(0.002),
                          {.most_lr = 5e-4})),
        site_(scope.dropout("kernel", config.kernel_dropout)),
        convolution_(scope, dims) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    return convolution_(x, filters(layout), layout);
  }

 private:
  /// The filters of all features, (longest,C) or (longest,2C).
  Tensor filters(const SequenceLayout& layout) const {
    const Tensor kernel = rows(kernel_, 0, layout.longest()), least = Tensor::full({1, 1}, Real(threshold_));
    const Tensor taps = subtract(relu(subtract(kernel, least)), relu(subtract(scale(kernel, -1), least)));
    return dropout(taps, site_, one_for_all(layout));
  }

  /// One sequence of taps, so that all sequences of a step have the same filters.
  static SequenceLayout one_for_all(const SequenceLayout& layout) {
    return {.offsets = {0, layout.longest()}, .sequences = {0}, .step = layout.step};
  }

  double threshold_;
  Parameter kernel_;
  Dropout site_;
  GatedConvolution convolution_;
};

const RegisterModel<LongConv> registered{
    "long_conv",
    {.summary = "long convolutions with free, sparse filters",
     .paper = "Fu et al. \"Simple Hardware-Efficient Long Convolutions for Sequence Modeling.\" ICML 2023, "
              "arXiv:2302.06646",
     .complexity = "O(N log N)",
     .kind = "convolution",
     .differs =
         "Not among LRA's models. The authors' block is this mixer alone, with batch norm on most tasks; here it takes "
         "the place of attention in the usual block, which adds a feed-forward part, and norms are layer norms. They "
         "apply dropout before the gated linear layer too, here it acts on the mixer's result only. They see later "
         "tokens on the tasks of images alone, here unless `causal`. Their learning rate of the filters is from 0.0001 "
         "to 0.001 by task, here at most 0.0005; their λ is from 0.001 to 0.004, and they drop 10 to 30 % of the taps. "
         "Paper and code also offer smoothed filters, which are not here.",
     .exponent = 1,
     .logarithm = true,
     .fixed_length = true,
     .causal = true,
     .stochastic = true}};

}  // namespace
}  // namespace lra
