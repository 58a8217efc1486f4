#include "models/layers/cross_attention.h"

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

CrossAttention::CrossAttention(const Geometry& geometry, const Scope& scope)
    : heads_(geometry.heads),
      q_(scope.add("query", {geometry.qkv, geometry.width}, Init::xavier(geometry.width, geometry.qkv))),
      k_(scope.add("key", {geometry.qkv, geometry.width}, Init::xavier(geometry.width, geometry.qkv))),
      v_(scope.add("value", {geometry.qkv, geometry.width}, Init::xavier(geometry.width, geometry.qkv))),
      out_(scope.add("out", {geometry.width, geometry.qkv}, Init::xavier(geometry.qkv, geometry.width))),
      site_(scope.dropout("probabilities", geometry.attention_dropout)) {}

Tensor CrossAttention::operator()(Tensor x, const Pack& pack, const Tensor& context, const Pack& context_pack) const {
  return linear(softmax_attention(linear(std::move(x), q_), linear(context, k_), linear(context, v_), heads_,
                                  Window::everything(), site_, pack, context_pack),
                out_);
}

}  // namespace lra::inline LRA_ENGINE
