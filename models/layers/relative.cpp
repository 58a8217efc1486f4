#include "models/layers/relative.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "models/autodiff/capture.h"
#include "models/autodiff/profile.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Row d: cosines, then sines, of (first + d) · unit · 10000^(−f/F), F of each.
Tensor sinusoids(long first, long count, double unit, long angles) {
  Tensor table = Tensor::empty({count, angles});
  const long half = angles / 2;
  for (long f = 0; f < half; ++f) {
    // One rotation per row costs much less than a sine and a cosine; the error grows by one rounding per row.
    const double angle = unit * std::pow(10000.0, -double(f) / double(half));
    const double step_cosine = std::cos(angle), step_sine = std::sin(angle);
    double cosine = std::cos(double(first) * angle), sine = std::sin(double(first) * angle);
    for (long d = 0; d < count; ++d) {
      table.data()[d * angles + f] = Real(cosine);
      table.data()[d * angles + half + f] = Real(sine);
      const double next = cosine * step_cosine - sine * step_sine;
      sine = sine * step_cosine + cosine * step_sine;
      cosine = next;
    }
  }
  return table;
}

}  // namespace

RelativeBiases::RelativeBiases(const LayerDims& dims, const ParameterScope& scope, const Init& init)
    : content(scope.add("content_bias", {dims.qkv}, init)), position(scope.add("position_bias", {dims.qkv}, init)) {}

RelativeBlock::RelativeBlock(const LayerDims& dims, const ParameterScope& scope, const RelativeBiases& biases,
                             const Init& position)
    : mixer_path_((scope / "mixer").path()),
      feed_path_((scope / "feed").path()),
      heads_(dims.heads),
      angles_(std::max(2L, dims.width / 2 * 2)),
      mixer_norm_(scope / "mixer_norm", dims.width),
      projections_(dims, scope / "mixer"),
      biases_(biases),
      position_((scope / "mixer").add("position", {dims.qkv, angles_}, position)),
      probabilities_site_(scope.dropout("probabilities", dims.attention_dropout)),
      out_site_(scope.dropout("mixer_out", dims.dropout)),
      feed_norm_(scope / "feed_norm", dims.width),
      feed_(scope / "feed", dims.width, dims.ff, dims.dropout) {}

Tensor RelativeBlock::forward(Tensor x, const SequenceLayout& layout, const RelativeContext& context) const {
  enter_layer(mixer_path_);
  const Tensor seeking = mixer_norm_(x);
  const bool self = !context.rows.x.defined();
  Tensor mixed = attend(seeking, layout, context, self ? seeking : mixer_norm_(context.rows.x),
                        self ? layout : context.rows.layout);
  keep_activation(mixer_path_, "input", seeking);
  keep_activation(mixer_path_, "output", mixed);
  x = add(dropout(std::move(mixed), out_site_, layout), std::move(x));
  enter_layer(feed_path_);
  return feed_.residual(std::move(x), feed_norm_, layout);
}

Tensor RelativeBlock::attend(const Tensor& seeking, const SequenceLayout& layout, const RelativeContext& context,
                             const Tensor& seen, const SequenceLayout& seen_layout) const {
  const Tensor distances = sinusoids(-context.before, context.before + context.after + 1, context.unit, angles_);
  return linear(relative_attention(linear(seeking, projections_.query, biases_.content), linear(seen, projections_.key),
                                   linear(seen, projections_.value), heads_, context.pattern, probabilities_site_,
                                   layout, seen_layout,
                                   {.table = linear(distances, position_),
                                    .bias = subtract(biases_.position, biases_.content),
                                    .zero = context.before,
                                    .query_step = context.query_step}),
                projections_.out);
}

Tensor RelativeBlock::frozen(const Tensor& x, const Parameter& projection) const {
  return linear(layer_norm(x, stop_gradient(mixer_norm_.gamma()), stop_gradient(mixer_norm_.beta())),
                stop_gradient(projection));
}

Tensor RelativeBlock::frozen_content(const PackedSequences& x, const PackedSequences& context) const {
  return softmax_attention(frozen(x.x, projections_.query), frozen(context.x, projections_.key),
                           frozen(context.x, projections_.value), heads_, Window::everything(), {}, x.layout,
                           context.layout);
}

Tensor RelativeBlock::frozen_usage(const Tensor& x, const Tensor& context) const {
  // Nothing here has a gradient, so tapes that are never run free the values: of a head at a time, and in the end all.
  const auto forget = [](std::optional<Tape>& tape) {
    if (recording()) tape.emplace(Context::current().tape->gradients());
  };
  std::optional<Tape> all;
  forget(all);
  const Tensor q = frozen(x, projections_.query), k = frozen(context, projections_.key);
  const long width = q.dim(1) / heads_;
  Tensor usage = Tensor::zeros({1, context.dim(0)});
  for (long h = 0; h < heads_; ++h) {
    std::optional<Tape> one;
    forget(one);
    const Tensor scores =
        matmul(head_columns(q, 1, h * width, width), transposed(head_columns(k, 1, h * width, width)));
    const Tensor of_head = sum(softmax(scale(scores, 1 / std::sqrt(double(width)))), 0);
    for (long j = 0; j < usage.size(); ++j) usage.data()[j] += of_head.data()[j];
  }
  return usage;
}

}  // namespace lra::inline LRA_ENGINE
