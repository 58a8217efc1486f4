/// The projections of multi-head attention: to queries, keys and values, and back. Vaswani et al. arXiv:1706.03762,
/// §3.2.2. Without bias, Xavier-uniform.
#pragma once

#include <string>

#include "models/layers/registry.h"

namespace lra::inline LRA_ENGINE {

/// (H·D,C): from tokens to the features of all heads.
Parameter head_projection(const LayerDims& dims, const ParameterScope& scope, const std::string& name);
/// (C,H·D): back.
Parameter out_projection(const LayerDims& dims, const ParameterScope& scope, const std::string& name = "out");

/// "query", "key" and "value", each after `prefix`.
struct QkvProjections {
  QkvProjections() = default;
  QkvProjections(const LayerDims& dims, const ParameterScope& scope, const std::string& prefix = "");
  Parameter query, key, value;
};

/// The same with "out".
struct Projections : QkvProjections {
  Projections(const LayerDims& dims, const ParameterScope& scope, const std::string& prefix = "");
  Parameter out;
};

}  // namespace lra::inline LRA_ENGINE
