#include "models/layers/blocks.h"

#include "models/autodiff/profile.h"

namespace lra::inline LRA_ENGINE {
namespace {

MakeMixer registered(const std::string& model, const Settings& settings) {
  return [model, settings](const Geometry& geometry, const Scope& scope) {
    return models().at(model).mixer(settings, geometry, scope);
  };
}

std::vector<Block> stack(const Geometry& geometry, const Scope& scope, const MakeMixer& mixer,
                         const MakePositionWise& feed) {
  std::vector<Block> blocks;
  for (long layer = 0; layer < geometry.layers; ++layer) {
    Geometry own = geometry;
    own.layer = layer;
    blocks.emplace_back(own, scope / std::to_string(layer), mixer, feed);
  }
  return blocks;
}

/// A mixer and the dropout behind it.
class Dropped final : public Sublayer {
 public:
  Dropped(std::unique_ptr<Mixer> mixer, Dropout site) : mixer_(std::move(mixer)), site_(site) {}
  Tensor forward(Tensor x, const Pack& pack) const override {
    return dropout(mixer_->forward(std::move(x), pack), site_, pack);
  }

 private:
  std::unique_ptr<Mixer> mixer_;
  Dropout site_;
};

}  // namespace

MakeMixer full_attention() { return registered("transformer", Settings()); }

MakePositionWise feed_forward() {
  return [](const Geometry& geometry, const Scope& scope) {
    return std::make_unique<FeedForward>(scope, geometry.width, geometry.ff, geometry.dropout);
  };
}

Block::Block(const Geometry& geometry, const Scope& scope, const MakeMixer& mixer, const MakePositionWise& feed) {
  const auto append = [&](const std::string& name, const auto& make) {
    LayerNorm norm(scope / (name + "_norm"), geometry.width);
    sublayers_.push_back({norm, make(scope / name), (scope / name).path()});
  };
  append("mixer", [&](const Scope& place) {
    return std::make_unique<Dropped>(mixer(geometry, place), scope.dropout("mixer_out", geometry.dropout));
  });
  append("feed", [&](const Scope& place) { return feed(geometry, place); });
}

Tensor Block::forward(Tensor x, const Pack& pack) const {
  for (const Normed& part : sublayers_) {
    enter_layer(part.path);
    x = part.sublayer->residual(std::move(x), part.norm, pack);
  }
  return x;
}

Blocks::Blocks(const Geometry& geometry, const Scope& scope, const MakeMixer& mixer, const MakePositionWise& feed)
    : blocks_(stack(geometry, scope, mixer, feed)),
      norm_(scope / "norm", geometry.width),
      norm_part_((scope / "norm").path()) {}

Packed Blocks::forward(Packed tokens) const {
  for (const Block& block : blocks_) tokens.x = block.forward(std::move(tokens.x), tokens.pack);
  enter_layer(norm_part_);
  tokens.x = norm_(std::move(tokens.x));
  return tokens;
}

std::unique_ptr<Encoder> make_encoder(const std::string& model, const Settings& settings, const Geometry& geometry,
                                      const Scope& scope) {
  const ModelEntry& entry = models().at(model);
  if (entry.encoder) return entry.encoder(settings, geometry, scope);
  return std::make_unique<Blocks>(geometry, scope, registered(model, settings), feed_forward());
}

}  // namespace lra::inline LRA_ENGINE
