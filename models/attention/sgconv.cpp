/// SGConv: a filter is a sequence of parts, each longer, smoother and smaller than the one before; a gated linear layer
/// mixes the features.
///
///   Li, Cai, Zhang, Chen, Dey. "What Makes Convolutional Models Great on Long Sequence Modeling?" ICLR 2023,
///   arXiv:2210.09298, §3.
///   time O(N·log N·C)   memory O(N·C)   O(d·log(length/d)·C) parameters for parts of d values
///   filter 1/Z · concat_s(decay^(−s) · upsample(w_s, 2^max(0,s−1))), w_s (d) and Z the norm of the first one; likewise
///   for later tokens unless `causal`
#include <algorithm>
#include <cmath>

#include "models/layers/buffer.h"
#include "models/layers/gated_convolution.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

/// The parts of a filter: tap t is a mean of two neighbouring values of its part, times decay^(−part).
class Parts {
 public:
  /// As many parts of `size` values as `length` taps need.
  Parts(long size, double decay, long length) : size_(size), decay_(decay) {
    for (long taps = size; taps < length; taps *= 2) ++count_;
  }
  long values() const { return count_ * size_; }
  long taps() const { return size_ << (count_ - 1); }

  /// The first `length` taps of each column of `values` (values(),W) → (length,W).
  Tensor expand(const Tensor& values, long length) const {
    Tensor weights = Tensor::empty({length, 2});
    std::vector<long> places;
    for (long part = 0, begin = 0; begin < length; ++part) {
      const long factor = 1L << std::max(0L, part - 1), end = std::min(begin + size_ * factor, length);
      for (long t = begin; t < end; ++t) {
        // Values are at the centres of `factor` taps each, as in PyTorch's interpolation.
        const double at = std::max(0.0, (double(t - begin) + 0.5) / double(factor) - 0.5), low = std::floor(at);
        const double scale = std::pow(decay_, -double(part));
        weights.data()[2 * t] = Real(scale * (low + 1 - at));
        weights.data()[2 * t + 1] = Real(scale * (at - low));
        places.push_back(part * size_ + long(low));
        places.push_back(part * size_ + std::min(long(low) + 1, size_ - 1));
      }
      begin = end;
    }
    return weighted_rows(weights, values, std::move(places));
  }

 private:
  long size_, count_ = 1;
  double decay_;
};

class SgConv final : public Mixer {
 public:
  struct Config {
    long part = 64;
    double decay = 2;
    bool causal = false;
    void fields(auto&& f) {
      f("part", part, "values per part of a filter", between(1, kMostOfASize));
      f("decay", decay, "factor by which each part is smaller than the one before", between(1, 1000));
      f("causal", causal, "no token sees a later one");
    }
  };

  SgConv(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : parts_(config.part, config.decay, dims.length),
        kernel_(scope.add("kernel", {parts_.values(), (config.causal ? 1 : 2) * dims.width}, Init::normal(1),
                          {.most_lr = 1e-3})),
        norm_(scope, "norm", {1, kernel_.shape()[1]}, Init::computed([this] { return norms(); }), keep),
        convolution_(scope, dims) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    return convolution_(x, divide(parts_.expand(kernel_, layout.longest()), norm_.values()), layout);
  }

 private:
  static void keep(std::span<Real>, std::span<const Real>) {}

  /// The norm of each whole filter.
  std::vector<double> norms() const {
    const Tensor taps = parts_.expand(kernel_, parts_.taps());
    std::vector<double> all(std::size_t(taps.dim(1)));
    for (long i = 0; i < taps.size(); ++i)
      all[std::size_t(i) % all.size()] += double(taps.data()[i]) * double(taps.data()[i]);
    for (double& norm : all) norm = std::sqrt(norm);
    return all;
  }

  Parts parts_;
  Parameter kernel_;
  Buffer norm_;
  GatedConvolution convolution_;
};

const RegisterModel<SgConv> registered{
    "sgconv",
    {.summary = "long convolutions whose filters are smoother and smaller far away",
     .paper = "Li et al. \"What Makes Convolutional Models Great on Long Sequence Modeling?\" ICLR 2023, "
              "arXiv:2210.09298",
     .complexity = "O(N log N)",
     .kind = "convolution",
     .differs =
         "Not among LRA's models. The authors' block is this mixer alone, behind batch or layer norm; here it takes "
         "the place of attention in the usual block, which adds a feed-forward part, and norms are layer norms. Their "
         "last layer is linear by default, here gated as in later versions of S4, and they apply dropout before it "
         "too. By default no token sees a later one in their code, here `causal`. They divide by the norm at the "
         "first forward pass, here by that of the initial values, which is the same. Their code multiplies the other "
         "parts instead of dividing later ones, a factor that the norm cancels.",
     .exponent = 1,
     .logarithm = true,
     .fixed_length = true,
     .causal = true}};

}  // namespace
}  // namespace lra
