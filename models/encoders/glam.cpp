/// GLaM: two of many feed-forward parts for each token in every other block, gated units in the others.
///
///   Du, Huang, Dai, Tong, Lepikhin, Xu, Krikun, Zhou, Yu, Firat, Zoph, Fedus, Bosma, Zhou, Wang, Wang, Webster,
///   Pellat, Robinson, Meier-Hellstern, Duke, Dixon, Zhang, Le, Wu, Chen, Cui. "GLaM: Efficient Scaling of Language
///   Models with Mixture-of-Experts." ICML 2022, §4.
///
/// - time O(N²·C), and the router's O(N·E·C)
/// - memory O(N·C); parameters grow with E
///
/// Norms are RMS norms; scores have a learned bias per class of distances.
#include <cmath>

#include "models/autodiff/profile.h"
#include "models/layers/experts.h"

namespace lra {
namespace {

/// Softmax attention with a learned bias per head for each of 32 classes of distances, added to the scores. Raffel et
/// al. arXiv:1910.10683, §2.1.
class DistanceAttention final : public Mixer {
 public:
  DistanceAttention(bool causal, const LayerDims& dims, const ParameterScope& scope)
      : causal_(causal),
        heads_(dims.heads),
        scale_(1 / std::sqrt(double(dims.qkv) / double(dims.heads))),
        projections_(dims, scope),
        bias_(scope.add("bias", {2 * kSide, dims.heads}, Init::normal(1 / std::sqrt(2.0 * kSide)))),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    for (long distance = -kFarthest; distance <= kFarthest; ++distance) classes_.push_back(class_of(distance));
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const std::vector<Scores> scores = {
        Scores::of_tokens(linear(x, projections_.query), linear(x, projections_.key), scale_),
        Scores::of_distances(gather_rows(bias_, classes_))};
    return linear(score_attention(scores, {}, linear(x, projections_.value), heads_, causal_, site_, layout),
                  projections_.out);
  }

 private:
  static constexpr long kSide = 16;       // classes for earlier keys, and the same number for later keys
  static constexpr long kExact = 8;       // each smaller distance has its own class
  static constexpr long kFarthest = 128;  // distances from here on share one class

  static long class_of(long distance) {
    const long side = distance > 0 ? kSide : 0, far = std::abs(distance);
    if (far < kExact) return side + far;
    const double octaves = std::log(double(far) / kExact) / std::log(double(kFarthest) / kExact);
    return side + std::min(kSide - 1, kExact + long(octaves * (kSide - kExact)));
  }

  bool causal_;
  long heads_;
  double scale_;
  Projections projections_;
  Parameter bias_;
  Dropout site_;
  std::vector<long> classes_;
};

/// Without biases: W₂ gelu(W₀ x), or gated W₂ (gelu(W₀ x) ∘ W₁ x).
class PlainFeed final : public PositionWise {
 public:
  PlainFeed(bool gated, const LayerDims& dims, const ParameterScope& scope)
      : in_(scope.add("in", {dims.ff, dims.width}, Init::xavier(dims.width, dims.ff))),
        out_(scope.add("out", {dims.width, dims.ff}, Init::xavier(dims.ff, dims.width))),
        hidden_site_(scope.dropout("hidden", dims.dropout)),
        out_site_(scope.dropout("out", dims.dropout)),
        gated_(gated) {
    if (gated) gate_ = scope.add("gate", {dims.ff, dims.width}, Init::xavier(dims.width, dims.ff));
  }

  static MakePositionWise make(bool gated) {
    return [gated](const LayerDims& dims, const ParameterScope& scope) {
      return std::make_unique<PlainFeed>(gated, dims, scope);
    };
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    Tensor hidden = gelu(linear(x, in_));
    if (gated_) hidden = multiply(std::move(hidden), linear(x, gate_));
    return dropout(linear(dropout(std::move(hidden), hidden_site_, layout), out_), out_site_, layout);
  }

 private:
  Parameter in_, gate_, out_;
  Dropout hidden_site_, out_site_;
  bool gated_;
};

class GLaM final : public Encoder {
 public:
  struct Config : ExpertSettings {
    Config() { capacity = eval_capacity = 1; }
  };

  GLaM(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : norm_(scope.add("norm", {dims.width}, Init::ones())) {
    const auto experts = [config](const LayerDims& own, const ParameterScope& place) {
      const Routing routing{.choices = 2, .renormalised = true};
      return std::make_unique<Experts>(config, routing, own, place, PlainFeed::make(false));
    };
    const MakePositionWise feed = alternating(experts, PlainFeed::make(true));
    for (long layer = 0; layer < dims.layers; ++layer) {
      LayerDims own = dims;
      own.layer = layer;
      blocks_.emplace_back(config.causal, own, scope / std::to_string(layer), feed);
    }
  }

  PackedSequences forward(PackedSequences tokens) const override {
    for (const NormedBlock& block : blocks_) tokens.x = block.forward(std::move(tokens.x), tokens.layout);
    tokens.x = rms_norm(std::move(tokens.x), norm_);
    return tokens;
  }

 private:
  struct NormedBlock {
    NormedBlock(bool causal, const LayerDims& dims, const ParameterScope& scope, const MakePositionWise& make_feed)
        : mixer_norm(scope.add("mixer_norm", {dims.width}, Init::ones())),
          feed_norm(scope.add("feed_norm", {dims.width}, Init::ones())),
          mixer(causal, dims, scope / "mixer"),
          site(scope.dropout("mixer_out", dims.dropout)),
          feed(make_feed(dims, scope / "feed")),
          mixer_part((scope / "mixer").path()),
          feed_part((scope / "feed").path()) {}

    Tensor forward(Tensor x, const SequenceLayout& layout) const {
      enter_layer(mixer_part);
      x = add(dropout(forward_as(mixer_part, mixer, rms_norm(x, mixer_norm), layout), site, layout), x);
      enter_layer(feed_part);
      return add(feed->forward(rms_norm(x, feed_norm), layout), x);
    }

    Parameter mixer_norm, feed_norm;
    DistanceAttention mixer;
    Dropout site;
    std::unique_ptr<PositionWise> feed;
    std::string mixer_part, feed_part;  // names in a profile and a Capture
  };

  std::vector<NormedBlock> blocks_;
  Parameter norm_;
};

const RegisterModel<GLaM> registered{
    "glam",
    {.summary = "two of many feed-forward parts for each token, alternating with blocks of gated units",
     .paper = "Du et al. \"GLaM: Efficient Scaling of Language Models with Mixture-of-Experts.\" ICML 2022, "
              "arXiv:2112.06905",
     .complexity = "O(N²)",
     .kind = "sparse",
     .differs =
         "LRA's code does not have it. The paper's model is causal, for language modelling; that is the setting "
         "`causal`, where experts fill up token by token. By default tokens see all of their sequence, with classes of "
         "distances for both directions. The embedding's positions are added as well. Capacity and balance are "
         "computed per sequence, not per group of tokens, so that an example does not depend on the other examples in "
         "its batch. Each block has its own biases for distances.",
     .exponent = 2,
     .causal = true,
     .auxiliary_loss = true}};

}  // namespace
}  // namespace lra
