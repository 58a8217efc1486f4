#include "models/layers/projections.h"

namespace lra::inline LRA_ENGINE {

Parameter head_projection(const LayerDims& dims, const ParameterScope& scope, const std::string& name) {
  return scope.add(name, {dims.qkv, dims.width}, Init::xavier(dims.width, dims.qkv));
}

Parameter out_projection(const LayerDims& dims, const ParameterScope& scope, const std::string& name) {
  return scope.add(name, {dims.width, dims.qkv}, Init::xavier(dims.qkv, dims.width));
}

QkvProjections::QkvProjections(const LayerDims& dims, const ParameterScope& scope, const std::string& prefix)
    : query(head_projection(dims, scope, prefix + "query")),
      key(head_projection(dims, scope, prefix + "key")),
      value(head_projection(dims, scope, prefix + "value")) {}

Projections::Projections(const LayerDims& dims, const ParameterScope& scope, const std::string& prefix)
    : QkvProjections(dims, scope, prefix), out(out_projection(dims, scope, prefix + "out")) {}

}  // namespace lra::inline LRA_ENGINE
