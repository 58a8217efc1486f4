/// Hyena: a long convolution between two gates, whose filter is a small network of the position.
///
///   Poli, Massaroli, Nguyen, Fu, Dao, Baccus, Bengio, Ermon, Ré. "Hyena Hierarchy: Towards Larger Convolutional
///   Language Models." ICML 2023, arXiv:2302.10866, §3.
///   time O(N·log N·C)   memory O(N·C)
///   x₀, x₁, v = short(x·W_in)   u = x₁ ∘ v   y = x₀ ∘ (h ∗ u + b ∘ u)   result y·W_out
///   h_t = network(t) ∘ exp(−|δ|·t), t from 0 to 1 over the length of the task
///
/// `short` is a convolution of three taps, each feature with its own. Unless `causal`, it is centred and h has a second
/// half for later tokens.
#include <cmath>
#include <numbers>

#include "models/layers/basic.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

/// Filters as functions of the position: three hidden layers with sines as activations, and decay.
class ImplicitFilters {
 public:
  ImplicitFilters(const ParameterScope& scope, long columns, long width, long features, long bands, double frequency,
                  long length)
      : columns_(columns),
        width_(width),
        bands_(bands),
        length_(length),
        frequency_(scope.add("frequency", {1, features}, Init::constant(frequency), kSlow)),
        in_(scope / "in", 1 + 2 * bands, features, Init::torch(1 + 2 * bands), Init::torch(1 + 2 * bands), kSlow),
        first_(scope / "first", features, features, Init::torch(features), Init::torch(features), kSlow),
        second_(scope / "second", features, features, Init::torch(features), Init::torch(features), kSlow),
        out_(scope.add("out", {columns, features}, Init::torch(features), kSlow)) {}

  /// The first `length` taps, (length,columns).
  Tensor operator()(long length) const {
    constexpr long kRows = 16;  // products of a number of rows that is no multiple of it have other bits
    const long count = (length + kRows - 1) / kRows * kRows;
    Tensor hidden = activate(in_(positions(count)));
    hidden = activate(second_(activate(first_(std::move(hidden)))));
    return rows(multiply(linear(std::move(hidden), out_), decay(count)), 0, length);
  }

 private:
  static constexpr TrainingOptions kSlow{.most_lr = 1e-3, .weight_decay = false};

  Tensor activate(Tensor x) const { return sin(multiply(std::move(x), frequency_)); }
  double time(long t) const { return double(t) / double(std::max(length_ - 1, 1L)); }

  /// Rows (t, cos(f_1·ωt) …, −sin(f_1·ωt) …) with frequencies f from 1e-4 to bands − 1.
  Tensor positions(long count) const {
    Tensor x = Tensor::empty({count, 1 + 2 * bands_});
    for (long t = 0; t < count; ++t) {
      Real* row = x.data() + t * x.dim(1);
      row[0] = Real(time(t));
      for (long k = 0; k < bands_; ++k) {
        const double f = bands_ > 1 ? 1e-4 + double(k) * (double(bands_ - 1) - 1e-4) / double(bands_ - 1) : 1e-4;
        const double angle = 2 * std::numbers::pi * f * double(t) / double(length_);
        row[1 + k] = Real(std::cos(angle));
        row[1 + bands_ + k] = Real(-std::sin(angle));
      }
    }
    return x;
  }

  /// exp(−|δ|·t): over the length of the task, features decay to a hundredth between 0.3 and 1.5 times.
  Tensor decay(long count) const {
    Tensor y = Tensor::empty({count, columns_});
    for (long t = 0; t < count; ++t)
      for (long c = 0; c < columns_; ++c) {
        const double share = width_ > 1 ? double(c % width_) / double(width_ - 1) : 0;
        const double delta = std::log(0.01) * (1 / 1.5 + share * (1 / 0.3 - 1 / 1.5));
        y.data()[t * columns_ + c] = Real(std::exp(delta * time(t)));
      }
    return y;
  }

  long columns_, width_, bands_, length_;
  Parameter frequency_;
  Linear in_, first_, second_;
  Parameter out_;
};

class Hyena final : public Mixer {
 public:
  struct Config {
    long features = 64;
    long bands = 1;
    double frequency = 1;
    bool causal = false;
    void fields(auto&& f) {
      f("features", features, "hidden features of the network that makes the filters", between(1, kMostOfASize));
      f("bands", bands, "frequencies of the position that it sees", between(1, kMostOfASize));
      f("frequency", frequency, "initial factor in its sines", at_least(0));
      f("causal", causal, "no token sees a later one");
    }
  };

  Hyena(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : causal_(config.causal),
        width_(dims.width),
        in_(scope / "in", dims.width, 3 * dims.width, Init::torch(dims.width), Init::torch(dims.width)),
        short_(scope.add("short.weight", {3 * dims.width, kShort}, Init::torch(kShort))),
        short_bias_(scope.add("short.bias", {3 * dims.width}, Init::torch(kShort))),
        filters_(scope / "filter", (causal_ ? 1 : 2) * dims.width, dims.width, config.features, config.bands,
                 config.frequency, dims.length),
        skip_(scope.add("skip", {dims.width}, Init::normal(1))),
        out_(scope / "out", dims.width, dims.width, Init::torch(dims.width), Init::torch(dims.width)) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor z = add(depthwise_convolution(in_(std::move(x)), short_, layout, causal_), short_bias_);
    const auto part = [&](const Tensor& of, long i) { return head_columns(of, 1, i * width_, width_); };
    const Tensor u = multiply(part(z, 1), part(z, 2)), h = filters_(layout.longest());
    const Tensor after = causal_ ? h : part(h, 0), before = causal_ ? Tensor() : part(h, 1);
    const Tensor y = add(long_convolution(u, after, before, layout), multiply(u, skip_));
    return out_(multiply(part(z, 0), y));
  }

 private:
  static constexpr long kShort = 3;

  bool causal_;
  long width_;
  Linear in_;
  Parameter short_, short_bias_;
  ImplicitFilters filters_;
  Parameter skip_;
  Linear out_;
};

const RegisterModel<Hyena> registered{
    "hyena",
    {.summary = "gated long convolutions with filters from a network of the position",
     .paper = "Poli et al. \"Hyena Hierarchy: Towards Larger Convolutional Language Models.\" ICML 2023, "
              "arXiv:2302.10866",
     .complexity = "O(N log N)",
     .kind = "convolution",
     .differs =
         "LRA's code does not have it, and the authors publish no settings for LRA. The paper's model is causal, here "
         "`causal`; by default the short convolution is centred and a second filter, from the same network, serves "
         "later tokens, as in the bidirectional S4. This is order 2 of the paper's hierarchy, its default. The "
         "authors' code also trains the positions that the network sees, at a learning rate of 0.00001; here they are "
         "constants. It trains the network at a learning rate of 0.001 whatever the others', here at most that.",
     .exponent = 1,
     .logarithm = true,
     .causal = true}};

}  // namespace
}  // namespace lra
