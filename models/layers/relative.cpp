#include "models/layers/relative.h"

#include <algorithm>
#include <cmath>

namespace lra::inline LRA_ENGINE {

RelativeProjections::RelativeProjections(const Geometry& geometry, const Scope& scope)
    : heads_(geometry.heads), width_(geometry.qkv / geometry.heads), angles_(std::max(2L, geometry.width / 2 * 2)) {
  const Init init = Init::xavier(geometry.width, geometry.qkv);
  q_ = scope.add("query", {geometry.qkv, geometry.width}, init);
  k_ = scope.add("key", {geometry.qkv, geometry.width}, init);
  v_ = scope.add("value", {geometry.qkv, geometry.width}, init);
  out_ = scope.add("out", {geometry.width, geometry.qkv}, init);
  u_ = scope.add("content_bias", {geometry.qkv}, Init::normal(0.02));
  position_bias_ = scope.add("position_bias", {geometry.qkv}, Init::normal(0.02));
  position_ = scope.add("position", {heads_, width_, angles_}, Init::xavier(geometry.qkv, angles_));
}

Tensor RelativeProjections::queries(const Tensor& x, std::span<const double> places) const {
  const Tensor seeks = heads(linear(x, q_, position_bias_), heads_);                    // (H,T,D)
  Tensor turned = apply_rotary(merge_heads(matmul(seeks, position_)), places, heads_);  // (T,H·C')
  Tensor joined = join_heads(std::vector{linear(x, q_, u_), std::move(turned)}, heads_);
  return scale(std::move(joined), std::sqrt(double(width_ + angles_) / double(width_)));  // scores are over √D
}

Tensor RelativeProjections::keys(const Tensor& x, std::span<const double> places) const {
  Tensor upright = Tensor::zeros({x.dim(0), heads_ * angles_});  // every pair (1, 0)
  for (long t = 0; t < x.dim(0); ++t)
    for (long h = 0; h < heads_; ++h) std::fill_n(upright.data() + (t * heads_ + h) * angles_, angles_ / 2, Real(1));
  return join_heads(std::vector{linear(x, k_), apply_rotary(std::move(upright), places, heads_)}, heads_);
}

Tensor RelativeProjections::values(const Tensor& x) const {
  return join_heads(std::vector{linear(x, v_), Tensor::zeros({x.dim(0), heads_ * angles_})}, heads_);
}

Tensor RelativeProjections::out(const Tensor& y) const { return linear(head_columns(y, heads_, 0, width_), out_); }

Tensor RelativeProjections::frozen_content(const Tensor& x, const Pack& pack, const Tensor& context,
                                           const Pack& context_pack) const {
  return softmax_attention(linear(x, stop_gradient(q_)), linear(context, stop_gradient(k_)),
                           linear(context, stop_gradient(v_)), heads_, Window::everything(), {}, pack, context_pack);
}

}  // namespace lra::inline LRA_ENGINE
