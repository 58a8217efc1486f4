#include "models/layers/relative.h"

#include <algorithm>
#include <cmath>

namespace lra::inline LRA_ENGINE {

RelativeProjections::RelativeProjections(const LayerDims& dims, const ParameterScope& scope)
    : heads_(dims.heads),
      width_(dims.qkv / dims.heads),
      angles_(std::max(2L, dims.width / 2 * 2)),
      projections_(dims, scope) {
  u_ = scope.add("content_bias", {dims.qkv}, Init::normal(0.02));
  position_bias_ = scope.add("position_bias", {dims.qkv}, Init::normal(0.02));
  position_ = scope.add("position", {heads_, width_, angles_}, Init::xavier(dims.qkv, angles_));
}

Tensor RelativeProjections::queries(const Tensor& x, std::span<const double> places) const {
  const Tensor content = heads(linear(x, projections_.query, position_bias_), heads_);     // (H,T,D)
  Tensor rotated = apply_rotary(merge_heads(matmul(content, position_)), places, heads_);  // (T,H·C')
  Tensor joined = join_heads(std::vector{linear(x, projections_.query, u_), std::move(rotated)}, heads_);
  return scale(std::move(joined), std::sqrt(double(width_ + angles_) / double(width_)));  // scores are over √D
}

Tensor RelativeProjections::keys(const Tensor& x, std::span<const double> places) const {
  Tensor unrotated = Tensor::zeros({x.dim(0), heads_ * angles_});  // every pair (1, 0)
  for (long t = 0; t < x.dim(0); ++t)
    for (long h = 0; h < heads_; ++h) std::fill_n(unrotated.data() + (t * heads_ + h) * angles_, angles_ / 2, Real(1));
  return join_heads(std::vector{linear(x, projections_.key), apply_rotary(std::move(unrotated), places, heads_)},
                    heads_);
}

Tensor RelativeProjections::values(const Tensor& x) const {
  return join_heads(std::vector{linear(x, projections_.value), Tensor::zeros({x.dim(0), heads_ * angles_})}, heads_);
}

Tensor RelativeProjections::out(const Tensor& y) const {
  return linear(head_columns(y, heads_, 0, width_), projections_.out);
}

Tensor RelativeProjections::frozen_content(const Tensor& x, const SequenceLayout& layout, const Tensor& context,
                                           const SequenceLayout& context_layout) const {
  return softmax_attention(
      linear(x, stop_gradient(projections_.query)), linear(context, stop_gradient(projections_.key)),
      linear(context, stop_gradient(projections_.value)), heads_, Window::everything(), {}, layout, context_layout);
}

}  // namespace lra::inline LRA_ENGINE
