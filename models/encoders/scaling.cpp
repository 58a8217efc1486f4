/// Scaling Transformer: feed-forward parts with one active unit in each block of units; queries, keys and values from
/// one layer with few parameters and small convolutions.
///
///   Jaszczur, Chowdhery, Mohiuddin, Kaiser, Gajewski, Michalewski, Kanerva. "Sparse Is Enough in Scaling
///   Transformers." NeurIPS 2021, §3.
///   time O(N²·C), and O(N·C·F/b) for F hidden units in blocks of b, in evaluation; in training all units are computed
///   memory O(N·(C + F))
#include <cmath>

#include "models/layers/basic.h"
#include "models/layers/blocks.h"
#include "models/ops/largest.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

struct ScalingConfig {
  long block = 32;
  long controller = 64;
  double hard = 0.3;
  double temperature = 0.1;
  long modules = 0;
  bool causal = false;
  void fields(auto&& f) {
    f("block", block, "hidden units per block, of which one is active; rounded down to a divisor of ff", at_least(1));
    f("controller", controller, "hidden features of the controller that chooses active units",
      between(1, kMostOfASize));
    f("hard", hard,
      "in training, the share of sequences with one active unit per block; in the others units are weighted",
      at_least(0));
    f("temperature", temperature, "in training, factor of the Gumbel noise before the choice", at_least(0));
    f("modules", modules,
      "modules into which queries, keys and values are divided, a divisor of qkv; 0 for the number of heads",
      at_least(0));
    f("causal", causal, "no token sees a later one, as in the paper");
  }
};

/// Σ over active units u of relu(w1_u · x) w2_u; the active unit of a block is that with the largest logit.
class SparseFeed final : public PositionWise {
 public:
  SparseFeed(const ScalingConfig& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config), block_(std::min(config.block, dims.ff)), units_(dims.ff) {
    while (units_ % block_ != 0) --block_;
    const long c = dims.width, low = config.controller;
    low_ = scope.add("controller.in", {low, c}, Init::xavier(c, low));
    high_ = scope.add("controller.out", {units_, low}, Init::xavier(low, units_));
    high_bias_ = scope.add("controller.bias", {units_}, Init::normal(1e-6));
    in_ = scope.add("in", {units_, c}, Init::xavier(c, units_));
    out_ = scope.add("out", {units_, c}, Init::xavier(units_, c));
    bias_ = scope.add("bias", {1, c}, Init::normal(1e-6));
    site_ = scope.dropout("out", dims.dropout);
    hard_ = scope.random("hard", "controller");
    noise_ = scope.random("gumbel", "controller");
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor logits = linear(linear(x, low_), high_, high_bias_);
    Tensor y = training() ? masked(x, logits, layout) : chosen(x, logits);
    y = add(std::move(y), bias_);
    return dropout(std::move(y), site_, layout);
  }

 private:
  long blocks() const { return units_ / block_; }

  /// Computes only the active units.
  Tensor chosen(const Tensor& x, const Tensor& logits) const {
    std::vector<long> active = largest_columns(reshaped(logits, x.dim(0) * blocks()), 1);
    for (std::size_t i = 0; i < active.size(); ++i) active[i] += long(i) % blocks() * block_;
    return weighted_rows(relu(gathered_dot(x, in_, active)), out_, active);
  }

  /// Computes all units, weighted by their probabilities within the block or, with a straight-through gradient, by the
  /// choice.
  Tensor masked(const Tensor& x, const Tensor& logits, const SequenceLayout& layout) const {
    const Tensor soft = reshaped(softmax(reshaped(logits, x.dim(0) * blocks())), x.dim(0));
    Tensor to_choice = Tensor::zeros(soft.shape());  // one active unit per block, minus `soft`
    for (long s = 0; s < layout.count(); ++s)
      if (hard_.at(layout.step, layout.sequences[std::size_t(s)]).uniform(0) < config_.hard)
        for (long i = 0; i < layout.size(s); ++i) choose(soft, logits, layout, s, i, to_choice);
    const Tensor mask = add(soft, stop_gradient(std::move(to_choice)));
    return matmul(relu(multiply(linear(x, in_), mask)), out_);
  }

  /// Chooses the active units of token i of sequence s, with Gumbel noise; stores choice − `soft` in `to_choice`.
  void choose(const Tensor& soft, const Tensor& logits, const SequenceLayout& layout, long s, long i,
              Tensor& to_choice) const {
    const Random random = noise_.at(layout.step, layout.sequences[std::size_t(s)]);
    const long row = (layout.begin(s) + i) * units_;
    for (long first = 0; first < units_; first += block_) {
      long best = first;
      double highest = -INFINITY;
      for (long u = first; u < first + block_; ++u) {
        const double even = (double(random.bits(std::uint64_t(i * units_ + u))) + 0.5) / 0x1p32;
        const double score = double(logits.data()[row + u]) - config_.temperature * std::log(-std::log(even));
        if (score > highest) highest = score, best = u;
        to_choice.data()[row + u] = -soft.data()[row + u];
      }
      to_choice.data()[row + best] += 1;
    }
  }

  ScalingConfig config_;
  long block_, units_;
  Parameter low_, high_, high_bias_, in_, out_, bias_;
  Dropout site_;
  Random hard_{0, ""}, noise_{0, ""};
};

/// Attention whose queries, keys and values come from one multiplicative layer, y_{s,m} = Σ_i x_i D_{s,i} E_{m,i} + b
/// for S modules of M features, each followed by a convolution over tokens and, except for values, modules.
class ModularAttention final : public Mixer {
 public:
  ModularAttention(const ScalingConfig& config, const LayerDims& dims, const ParameterScope& scope)
      : heads_(dims.heads),
        modules_(config.modules > 0 ? config.modules : dims.heads),
        first_tap_(config.causal ? 1 - kTaps : -kTaps / 2) {
    if (dims.qkv % modules_ != 0)
      fail_usage("scaling: {} modules do not divide the {} features of queries (qkv)", config.modules, dims.qkv);
    const long c = dims.width, q = dims.qkv, m = q / modules_;
    of_module_ = scope.add("modules", {modules_, c}, Init::normal(0.5));
    of_feature_ = scope.add("features", {m, c}, Init::xavier(c, m));
    bias_ = scope.add("bias", {q}, Init::normal(1e-6));
    const auto convolution = [&](const std::string& name, long taps) {
      return scope.add(name, {m, taps * m}, Init::xavier(taps * m, m));
    };
    query_ = {convolution("query", kTaps * kTaps), scope.add("query_bias", {m}, Init::normal(1e-6))};
    key_ = {convolution("key", kTaps * kTaps), {}};  // no bias, which would not change the softmax
    value_ = {convolution("value", kTaps), scope.add("value_bias", {m}, Init::normal(1e-6))};
    if (q != c) out_ = scope.add("out", {c, q}, Init::xavier(q, c));
    window_.causal = config.causal;
    site_ = scope.dropout("probabilities", dims.attention_dropout);
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const long m = of_feature_.shape()[0];
    std::vector<long> module, feature;
    for (long i = 0; i < modules_ * m; ++i) module.push_back(i / m), feature.push_back(i % m);
    const Tensor w = multiply(gather_rows(of_module_, std::move(module)), gather_rows(of_feature_, std::move(feature)));
    const Tensor cells = reshaped(linear(std::move(x), w, bias_), layout.tokens() * modules_);  // (T·S,M)
    Tensor y = softmax_attention(convolved(cells, query_, 1, layout), convolved(cells, key_, 1, layout),
                                 convolved(cells, value_, 0, layout), heads_, window_, site_, layout, layout);
    return out_.shape().rank() > 0 ? linear(std::move(y), out_) : y;
  }

 private:
  static constexpr long kTaps = 3;
  struct Convolution {
    Parameter weight, bias;
  };

  /// Convolves over kTaps tokens and `reach` modules on each side, with zero padding.
  Tensor convolved(const Tensor& cells, const Convolution& by, long reach, const SequenceLayout& layout) const {
    std::vector<long> seen;
    for (long s = 0; s < layout.count(); ++s)
      for (long i = 0; i < layout.size(s); ++i)
        for (long module = 0; module < modules_; ++module)
          for (long j = i + first_tap_; j < i + first_tap_ + kTaps; ++j)
            for (long other = module - reach; other <= module + reach; ++other) {
              const bool inside = j >= 0 && j < layout.size(s) && other >= 0 && other < modules_;
              seen.push_back(inside ? (layout.begin(s) + j) * modules_ + other : -1);
            }
    const Tensor windows = reshaped(gather_rows(cells, std::move(seen)), cells.dim(0));
    return reshaped(linear(windows, by.weight, by.bias), layout.tokens());
  }

  long heads_, modules_, first_tap_;
  Parameter of_module_, of_feature_, bias_, out_;
  Convolution query_, key_, value_;
  Window window_ = Window::everything();
  Dropout site_;
};

class Scaling final : public Encoder {
 public:
  using Config = ScalingConfig;

  Scaling(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : blocks_(dims, scope, part<Mixer, ModularAttention>(config), part<PositionWise, SparseFeed>(config)) {}

  PackedSequences forward(PackedSequences tokens) const override { return blocks_.forward(std::move(tokens)); }

 private:
  template <typename Base, typename Part>
  static Make<Base> part(const Config& config) {
    return [config](const LayerDims& dims, const ParameterScope& scope) {
      return std::make_unique<Part>(config, dims, scope);
    };
  }

  Blocks blocks_;
};

const RegisterModel<Scaling> registered{
    "scaling",
    {.summary = "one active unit per block of the feed-forward part, queries and keys from few parameters",
     .paper = "Jaszczur et al. \"Sparse Is Enough in Scaling Transformers.\" NeurIPS 2021, arXiv:2111.12763",
     .complexity = "O(N²)",
     .kind = "sparse",
     .differs =
         "LRA's code does not have it. The paper's decoder is causal, and that is the setting `causal`; by default "
         "convolutions reach one token to each side. Whether units are chosen or weighted is random for each sequence, "
         "not each batch, so that an example does not depend on the other examples in its batch. Keys have no bias, "
         "which would have no effect. Terraformer's reversible blocks and hashed attention are not included. As in the "
         "paper there is no projection after the attention, unless `qkv` differs from `width`.",
     .exponent = 2,
     .causal = true,
     .stochastic = true}};

}  // namespace
}  // namespace lra
