/// The projections of multi-head attention to queries, keys and values, and back, without bias. Vaswani et al.
/// arXiv:1706.03762, §3.2.2. Initialised by Xavier uniform.
#pragma once

#include <string>

#include "models/layers/registry.h"

namespace lra::inline LRA_ENGINE {

/// Adds a parameter (H·D,C): from tokens to the features of all heads.
Parameter head_projection(const LayerDims& dims, const ParameterScope& scope, const std::string& name);
/// Adds a parameter (C,H·D): from the features of all heads back to tokens.
Parameter out_projection(const LayerDims& dims, const ParameterScope& scope, const std::string& name = "out");

/// The parameters "query", "key" and "value", with `prefix` before each name.
struct QkvProjections {
  QkvProjections() = default;
  QkvProjections(const LayerDims& dims, const ParameterScope& scope, const std::string& prefix = "");
  Parameter query, key, value;
};

/// The same, and "out".
struct Projections : QkvProjections {
  Projections(const LayerDims& dims, const ParameterScope& scope, const std::string& prefix = "");
  Parameter out;
};

}  // namespace lra::inline LRA_ENGINE
