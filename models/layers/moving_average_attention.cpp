#include "models/layers/moving_average_attention.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/autodiff/capture.h"
#include "models/autodiff/profile.h"
#include "models/ops/laplace_attention.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Makes each run of `size` tokens a sequence of its own, with random numbers of its own.
SequenceLayout chunks_of(const SequenceLayout& layout, long size) {
  SequenceLayout chunks = layout;
  chunks.offsets = {0}, chunks.sequences.clear();
  chunks.length = std::min(size, layout.length);
  const auto most = std::uint32_t((layout.length + size - 1) / size);
  for (long s = 0; s < layout.count(); ++s)
    for (long at = 0; at < layout.size(s); at += size) {
      chunks.offsets.push_back(layout.begin(s) + std::min(at + size, layout.size(s)));
      chunks.sequences.push_back(layout.sequences[std::size_t(s)] * most + std::uint32_t(at / size));
    }
  return chunks;
}

/// For each token the number of keys it sees (T,1).
Tensor visible_keys(const SequenceLayout& layout, bool causal) {
  Tensor counts = Tensor::empty({layout.tokens(), 1});
  for (long s = 0; s < layout.count(); ++s)
    for (long t = 0; t < layout.size(s); ++t)
      counts.data()[layout.begin(s) + t] = Real(causal ? t + 1 : layout.size(s));
  return counts;
}

bool is_laplace(const std::string& model, const std::string& attention) {
  if (attention != "softmax" && attention != "laplace")
    fail_usage("{}: attention is '{}'; it must be softmax or laplace", model, attention);
  return attention == "laplace";
}

Linear projection(const ParameterScope& scope, long in, long out) {
  return {scope, in, out, Init::xavier(in, out), Init::zeros()};
}

}  // namespace

MegaBlock::MegaBlock(const std::string& model, const MegaSettings& settings, long chunk, const LayerDims& dims,
                     const ParameterScope& scope)
    : mixer_path_((scope / "mixer").path()),
      feed_path_((scope / "feed").path()),
      laplace_(is_laplace(model, settings.attention)),
      causal_(settings.causal),
      chunk_(chunk),
      shared_width_(settings.shared > 0 ? settings.shared : std::max(1L, dims.qkv / 2)),
      mixer_norm_(scope / "mixer_norm", dims.width),
      average_(scope / "mixer" / "average", dims.width, settings.states, causal_),
      value_(projection(scope / "mixer" / "value", dims.width, settings.expand * dims.qkv)),
      shared_(projection(scope / "mixer" / "shared", dims.width, shared_width_)),
      reset_(projection(scope / "mixer" / "reset", dims.width, settings.expand * dims.qkv)),
      update_(projection(scope / "mixer" / "update", dims.width, dims.width)),
      candidate_(projection(scope / "mixer" / "candidate", dims.width, dims.width)),
      out_((scope / "mixer")
               .add("out", {dims.width, settings.expand * dims.qkv},
                    Init::xavier(settings.expand * dims.qkv, dims.width))),
      query_gamma_((scope / "mixer").add("query_gamma", {shared_width_}, Init::normal(1))),
      query_beta_((scope / "mixer").add("query_beta", {shared_width_}, Init::zeros())),
      key_gamma_((scope / "mixer").add("key_gamma", {shared_width_}, Init::normal(1))),
      key_beta_((scope / "mixer").add("key_beta", {shared_width_}, Init::zeros())),
      distances_((scope / "mixer").add("distances", {2 * chunk - 1, 1}, Init::normal(0.02))),
      probabilities_site_(scope.dropout("probabilities", dims.attention_dropout)),
      out_site_(scope.dropout("mixer_out", dims.dropout)),
      feed_norm_(scope / "feed_norm", dims.width),
      feed_(scope / "feed", dims.width, dims.ff, dims.dropout) {}

Tensor MegaBlock::forward(Tensor x, const SequenceLayout& layout) const {
  enter_layer(mixer_path_);
  const Tensor normed = mixer_norm_(x);
  const Tensor changed = change(x, normed, layout);
  keep_activation(mixer_path_, "input", normed);
  keep_activation(mixer_path_, "output", changed);
  x = add(changed, std::move(x));
  enter_layer(feed_path_);
  return feed_.residual(std::move(x), feed_norm_, layout);
}

Tensor MegaBlock::change(const Tensor& x, const Tensor& normed, const SequenceLayout& layout) const {
  const Tensor averaged = average_(normed, layout), shared = silu(shared_(averaged));
  const Tensor read = attend(add(multiply(shared, query_gamma_), query_beta_),
                             add(multiply(shared, key_gamma_), key_beta_), silu(value_(normed)), layout);
  Tensor candidate = silu(add(linear(multiply(read, silu(reset_(averaged))), out_), candidate_(averaged)));
  return multiply(subtract(dropout(std::move(candidate), out_site_, layout), x), sigmoid(update_(averaged)));
}

Tensor MegaBlock::attend(const Tensor& q, const Tensor& k, const Tensor& v, const SequenceLayout& layout) const {
  const SequenceLayout chunks = chunks_of(layout, chunk_);
  const Scores distances = Scores::of_distances(distances_);
  if (laplace_) {
    const Tensor divided = divide_rows(q, visible_keys(chunks, causal_), 0);
    return laplace_attention({Scores::of_tokens(divided, k, 1), distances}, v, 1, causal_, probabilities_site_, chunks);
  }
  const double root = 1 / std::sqrt(double(shared_width_));
  return score_attention({Scores::of_tokens(q, k, root), distances}, {}, v, 1, causal_, probabilities_site_, chunks);
}

MegaBlocks::MegaBlocks(const std::string& model, const MegaSettings& settings, long chunk, const LayerDims& dims,
                       const ParameterScope& scope)
    : norm_(scope / "norm", dims.width), norm_part_((scope / "norm").path()) {
  for (long l = 0; l < dims.layers; ++l) blocks_.emplace_back(model, settings, chunk, dims, scope / std::to_string(l));
}

PackedSequences MegaBlocks::forward(PackedSequences tokens) const {
  for (const MegaBlock& block : blocks_) tokens.x = block.forward(std::move(tokens.x), tokens.layout);
  enter_layer(norm_part_);
  tokens.x = norm_(std::move(tokens.x));
  return tokens;
}

}  // namespace lra::inline LRA_ENGINE
