#include "models/layers/cross_attention.h"

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

CrossAttention::CrossAttention(const LayerDims& dims, const ParameterScope& scope)
    : heads_(dims.heads), projections_(dims, scope), site_(scope.dropout("probabilities", dims.attention_dropout)) {}

Tensor CrossAttention::operator()(Tensor x, const SequenceLayout& layout, const Tensor& context,
                                  const SequenceLayout& context_layout) const {
  return linear(softmax_attention(linear(std::move(x), projections_.query), linear(context, projections_.key),
                                  linear(context, projections_.value), heads_, Window::everything(), site_, layout,
                                  context_layout),
                projections_.out);
}

}  // namespace lra::inline LRA_ENGINE
