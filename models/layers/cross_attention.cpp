#include "models/layers/cross_attention.h"

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

CrossAttention::CrossAttention(const Geometry& geometry, const Scope& scope)
    : heads_(geometry.heads),
      projections_(geometry, scope),
      site_(scope.dropout("probabilities", geometry.attention_dropout)) {}

Tensor CrossAttention::operator()(Tensor x, const Pack& pack, const Tensor& context, const Pack& context_pack) const {
  return linear(
      softmax_attention(linear(std::move(x), projections_.query), linear(context, projections_.key),
                        linear(context, projections_.value), heads_, Window::everything(), site_, pack, context_pack),
      projections_.out);
}

}  // namespace lra::inline LRA_ENGINE
