#include "models/layers/mixer.h"

#include "models/layers/basic.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

Tensor Mixer::residual(Tensor x, const LayerNorm& norm, const Pack& pack) const {
  return add(forward(norm(x), pack), x);
}

Attention::Attention(const Geometry& geometry, const Scope& scope)
    : geometry_(geometry),
      q_(scope.add("query", {geometry.qkv, geometry.width}, Init::xavier(geometry.width, geometry.qkv))),
      k_(scope.add("key", {geometry.qkv, geometry.width}, Init::xavier(geometry.width, geometry.qkv))),
      v_(scope.add("value", {geometry.qkv, geometry.width}, Init::xavier(geometry.width, geometry.qkv))),
      out_(scope.add("out", {geometry.width, geometry.qkv}, Init::xavier(geometry.qkv, geometry.width))) {}

Tensor Attention::forward(Tensor x, const Pack& pack) const {
  Tensor q = linear(x, q_), k = linear(x, k_), v = linear(std::move(x), v_);
  return linear(attend(std::move(q), std::move(k), std::move(v), pack), out_);
}

Registry<ModelEntry>& models() {
  static Registry<ModelEntry> registry("model");
  return registry;
}

}  // namespace lra::inline LRA_ENGINE
