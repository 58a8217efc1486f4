#include "models/layers/memory_blocks.h"

#include "models/autodiff/capture.h"
#include "models/autodiff/profile.h"
#include "models/layers/latents.h"

namespace lra::inline LRA_ENGINE {

MemoryBlocks::Layer::Layer(const MemoryStream& stream, const LayerDims& dims, const ParameterScope& scope,
                           const Make<MemoryMixer>& make)
    : norm(scope / "mixer_norm", dims.width),
      mixer(make(dims, scope / "mixer")),
      site(scope.dropout("mixer_out", dims.dropout)),
      memory_site(scope.dropout("memory_out", dims.dropout)),
      feed_norm(scope / "feed_norm", dims.width),
      feed(scope / "feed", dims.width, dims.ff, dims.dropout),
      memory_feed((scope / "memory_feed").tied_to((scope / "feed").path()), dims.width, dims.ff, dims.dropout),
      mixer_part((scope / "mixer").path()),
      feed_part((scope / "feed").path()) {
  if (stream.carried)
    memory_norm.emplace(scope / "memory_norm", dims.width);
  else
    vectors = scope.add("memory", {stream.vectors, dims.width}, stream.init);
}

MemoryBlocks::MemoryBlocks(const MemoryStream& stream, const LayerDims& dims, const ParameterScope& scope,
                           const Make<MemoryMixer>& mixer)
    : stream_(stream), norm_(scope / "norm", dims.width), norm_part_((scope / "norm").path()) {
  if (stream.carried) vectors_ = scope.add("memory", {stream.vectors, dims.width}, stream.init);
  for (long l = 0; l < dims.layers; ++l) {
    LayerDims own = dims;
    own.layer = l;
    layers_.emplace_back(stream, own, scope / std::to_string(l), mixer);
  }
}

PackedSequences MemoryBlocks::forward(PackedSequences tokens) const {
  PackedSequences memory;
  if (stream_.carried) memory = of_each_sequence(vectors_, tokens.layout);
  for (const Layer& layer : layers_) {
    enter_layer(layer.mixer_part);
    const bool passes_on = stream_.carried && &layer != &layers_.back();
    const PackedSequences normed{layer.norm(tokens.x), tokens.layout};
    keep_activation(layer.mixer_part, "input", normed.x);
    const auto [gain, memory_gain] =
        layer.mixer->forward(normed, stream_.carried ? PackedSequences{(*layer.memory_norm)(memory.x), memory.layout}
                                                     : of_each_sequence(layer.vectors, tokens.layout));
    keep_activation(layer.mixer_part, "output", gain);
    tokens.x = add(dropout(gain, layer.site, tokens.layout), tokens.x);
    if (passes_on) memory.x = add(dropout(memory_gain, layer.memory_site, memory.layout), memory.x);
    enter_layer(layer.feed_part);
    tokens.x = layer.feed.residual(std::move(tokens.x), layer.feed_norm, tokens.layout);
    if (passes_on && stream_.feeds)
      memory.x = layer.memory_feed.residual(std::move(memory.x), layer.feed_norm, memory.layout);
  }
  enter_layer(norm_part_);
  tokens.x = norm_(std::move(tokens.x));
  return tokens;
}

}  // namespace lra::inline LRA_ENGINE
