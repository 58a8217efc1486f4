#include "models/layers/projections.h"

namespace lra::inline LRA_ENGINE {

Parameter head_projection(const Geometry& geometry, const Scope& scope, const std::string& name) {
  return scope.add(name, {geometry.qkv, geometry.width}, Init::xavier(geometry.width, geometry.qkv));
}

Parameter out_projection(const Geometry& geometry, const Scope& scope, const std::string& name) {
  return scope.add(name, {geometry.width, geometry.qkv}, Init::xavier(geometry.qkv, geometry.width));
}

QkvProjections::QkvProjections(const Geometry& geometry, const Scope& scope, const std::string& prefix)
    : query(head_projection(geometry, scope, prefix + "query")),
      key(head_projection(geometry, scope, prefix + "key")),
      value(head_projection(geometry, scope, prefix + "value")) {}

Projections::Projections(const Geometry& geometry, const Scope& scope, const std::string& prefix)
    : QkvProjections(geometry, scope, prefix), out(out_projection(geometry, scope, prefix + "out")) {}

}  // namespace lra::inline LRA_ENGINE
