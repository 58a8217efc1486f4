#include "models/layers/blocks.h"

#include "models/autodiff/profile.h"

namespace lra::inline LRA_ENGINE {
namespace {

MakeMixer registered(const std::string& model, const Settings& settings) {
  return [model, settings](const LayerDims& dims, const ParameterScope& scope) {
    return models().at(model).mixer(settings, dims, scope);
  };
}

std::vector<Block> stack(const LayerDims& dims, const ParameterScope& scope, const MakeMixer& mixer,
                         const MakePositionWise& feed, const BlockForm& form) {
  std::vector<Block> blocks;
  for (long layer = 0; layer < dims.layers; ++layer) {
    LayerDims own = dims;
    own.layer = layer;
    ParameterScope place = scope / std::to_string(layer);
    if (form.distinct > 0) place = place.tied_to((scope / std::to_string(layer % form.distinct)).path());
    blocks.emplace_back(own, place, mixer, feed, form);
  }
  return blocks;
}

/// A position-wise part with another activation than FeedForward's.
class OtherFeed final : public PositionWise {
 public:
  OtherFeed(const std::string& activation, const LayerDims& dims, const ParameterScope& scope)
      : is_relu_(activation == "relu"),
        in_(scope / "in", dims.width, dims.ff, Init::xavier(dims.width, dims.ff), Init::zeros()),
        out_(scope / "out", dims.ff, dims.width, Init::xavier(dims.ff, dims.width), Init::zeros()),
        hidden_site_(scope.dropout("hidden", dims.dropout)),
        out_site_(scope.dropout("out", dims.dropout)) {
    if (activation == "swiglu")
      gate_.emplace(scope / "gate", dims.width, dims.ff, Init::xavier(dims.width, dims.ff), Init::zeros());
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    return dropout(out_(dropout(hidden(x), hidden_site_, layout)), out_site_, layout);
  }

 private:
  Tensor hidden(const Tensor& x) const {
    if (gate_) return multiply(silu((*gate_)(x)), in_(x));
    return is_relu_ ? relu(in_(x)) : silu(in_(x));
  }

  bool is_relu_;
  Linear in_, out_;
  std::optional<Linear> gate_;
  Dropout hidden_site_, out_site_;
};

/// A mixer followed by dropout.
class Dropped final : public Sublayer {
 public:
  Dropped(std::unique_ptr<Mixer> mixer, std::string path, Dropout site)
      : mixer_(std::move(mixer)), path_(std::move(path)), site_(site) {}
  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    return dropout(forward_as(path_, *mixer_, std::move(x), layout), site_, layout);
  }

 private:
  std::unique_ptr<Mixer> mixer_;
  std::string path_;
  Dropout site_;
};

}  // namespace

MakeMixer full_attention(bool causal) { return registered("transformer", {{"causal", causal}}); }

MakePositionWise feed_forward(const std::string& activation, const std::string& who) {
  if (activation == "none") return {};
  if (activation == "gelu")
    return [](const LayerDims& dims, const ParameterScope& scope) {
      return std::make_unique<FeedForward>(scope, dims.width, dims.ff, dims.dropout);
    };
  if (activation != "silu" && activation != "relu" && activation != "swiglu")
    fail_usage("{}: feed is '{}'; it must be silu, gelu, relu, swiglu or none", who, activation);
  return [activation](const LayerDims& dims, const ParameterScope& scope) {
    return std::make_unique<OtherFeed>(activation, dims, scope);
  };
}

Block::Block(const LayerDims& dims, const ParameterScope& scope, const MakeMixer& mixer, const MakePositionWise& feed,
             const BlockForm& form)
    : form_(form) {
  const auto append = [&](const std::string& name, const auto& make) {
    if (!form.parallel || norms_.empty()) norms_.emplace_back(scope / (name + "_norm"), dims.width);
    parts_.push_back({make(scope / name), (scope / name).path()});
  };
  append("mixer", [&](const ParameterScope& place) {
    return std::make_unique<Dropped>(mixer(dims, place), place.path(), scope.dropout("mixer_out", dims.dropout));
  });
  if (feed) append("feed", [&](const ParameterScope& place) { return feed(dims, place); });
}

Tensor Block::forward(Tensor x, const SequenceLayout& layout) const {
  if (form_.parallel) return forward_parallel(std::move(x), layout);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    enter_layer(parts_[i].path);
    x = form_.norm_after ? norms_[i](add(x, parts_[i].sublayer->forward(x, layout)))
                         : parts_[i].sublayer->residual(std::move(x), norms_[i], layout);
  }
  return x;
}

Tensor Block::forward_parallel(Tensor x, const SequenceLayout& layout) const {
  const Tensor normed = form_.norm_after ? x : norms_.front()(x);
  for (const Part& part : parts_) {
    enter_layer(part.path);
    x = add(std::move(x), part.sublayer->forward(normed, layout));
  }
  return form_.norm_after ? norms_.front()(std::move(x)) : x;
}

Blocks::Blocks(const LayerDims& dims, const ParameterScope& scope, const MakeMixer& mixer, const MakePositionWise& feed,
               const BlockForm& form)
    : blocks_(stack(dims, scope, mixer, feed, form)), norm_part_((scope / "norm").path()) {
  if (form.final_norm && !form.norm_after) norm_.emplace(scope / "norm", dims.width);
}

PackedSequences Blocks::forward(PackedSequences tokens) const {
  for (const Block& block : blocks_) tokens.x = block.forward(std::move(tokens.x), tokens.layout);
  if (!norm_) return tokens;
  enter_layer(norm_part_);
  tokens.x = (*norm_)(std::move(tokens.x));
  return tokens;
}

std::unique_ptr<Encoder> make_encoder(const std::string& model, const Settings& settings, const LayerDims& dims,
                                      const ParameterScope& scope, const EncoderConfig& shape) {
  const ModelEntry& entry = models().at(model);
  if (shape.norm != "before" && shape.norm != "after")
    fail_usage("encoder: norm is '{}'; it must be before or after", shape.norm);
  if (entry.mixer)
    return std::make_unique<Blocks>(dims, scope, registered(model, settings), feed_forward(shape.feed),
                                    BlockForm{.norm_after = shape.norm == "after", .final_norm = shape.final_norm});
  if (shape.norm != "before" || shape.feed != "gelu" || !shape.final_norm)
    fail_usage("encoder: {} has a stack of its own, in which norm, feed and final_norm change nothing; leave them out",
               model);
  return entry.encoder(settings, dims, scope);
}

}  // namespace lra::inline LRA_ENGINE
