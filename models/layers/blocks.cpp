#include "models/layers/blocks.h"

#include "models/autodiff/profile.h"

namespace lra::inline LRA_ENGINE {
namespace {

MakePart registered(const std::string& model, const Settings& settings) {
  return [model, settings](const Geometry& geometry, const Scope& scope) {
    return models().at(model).mixer(settings, geometry, scope);
  };
}

std::vector<Block> stack(const Geometry& geometry, const Scope& scope, const MakePart& mixer, const MakePart& feed) {
  std::vector<Block> blocks;
  for (long layer = 0; layer < geometry.layers; ++layer) {
    Geometry own = geometry;
    own.layer = layer;
    blocks.emplace_back(own, scope / std::to_string(layer), mixer, feed);
  }
  return blocks;
}

}  // namespace

MakePart full_attention() { return registered("transformer", Settings()); }

MakePart feed_forward() {
  return [](const Geometry& geometry, const Scope& scope) {
    return std::make_unique<FeedForward>(scope, geometry.width, geometry.ff, geometry.dropout);
  };
}

Block::Block(const Geometry& geometry, const Scope& scope, const MakePart& mixer, const MakePart& feed)
    : mixer_norm_(scope / "mixer_norm", geometry.width),
      mixer_(mixer(geometry, scope / "mixer")),
      mixer_site_(scope.dropout("mixer_out", geometry.dropout)),
      feed_norm_(scope / "feed_norm", geometry.width),
      feed_(feed(geometry, scope / "feed")),
      mixer_part_((scope / "mixer").path()),
      feed_part_((scope / "feed").path()) {}

Tensor Block::forward(Tensor x, const Pack& pack) const {
  enter_layer(mixer_part_);
  x = add(dropout(mixer_->forward(mixer_norm_(x), pack), mixer_site_, pack), x);
  enter_layer(feed_part_);
  return feed_->residual(std::move(x), feed_norm_, pack);
}

Blocks::Blocks(const Geometry& geometry, const Scope& scope, const MakePart& mixer, const MakePart& feed)
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
