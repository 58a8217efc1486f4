#include "models/layers/mixer.h"

#include "models/autodiff/capture.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

Tensor forward_as(const std::string& path, const Mixer& mixer, Tensor x, const SequenceLayout& layout) {
  keep_activation(path, "input", x);
  Tensor mixed = mixer.forward(std::move(x), layout);
  keep_activation(path, "output", mixed);
  return mixed;
}

Attention::Attention(const LayerDims& dims, const ParameterScope& scope) : dims_(dims), projections_(dims, scope) {}

Tensor Attention::forward(Tensor x, const SequenceLayout& layout) const {
  const Projections& p = projections_;
  Tensor q = linear(x, p.query), k = linear(x, p.key), v = linear(std::move(x), p.value);
  if (dims_.rotary) q = rotary(std::move(q), dims_.heads, layout), k = rotary(std::move(k), dims_.heads, layout);
  return linear(attend(std::move(q), std::move(k), std::move(v), layout), p.out);
}

}  // namespace lra::inline LRA_ENGINE
