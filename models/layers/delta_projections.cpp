#include "models/layers/delta_projections.h"

#include <cmath>

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

DeltaProjections::DeltaProjections(const DeltaSettings& settings, const LayerDims& dims, const ParameterScope& scope,
                                   long values)
    : heads_(dims.heads),
      causal_(settings.causal),
      query_(add_features(settings, scope, "query", dims.width, dims.qkv)),
      key_(add_features(settings, scope, "key", dims.width, dims.qkv)),
      value_(add_features(settings, scope, "value", dims.width, values)),
      beta_(scope.add("beta", {heads_, dims.width}, Init::xavier(dims.width, heads_))) {}

DeltaProjections::Features DeltaProjections::add_features(const DeltaSettings& settings, const ParameterScope& scope,
                                                          const std::string& name, long width, long features) const {
  Features all;
  all.weights = scope.add(name, {features, width}, Init::xavier(width, features));
  if (settings.convolution)
    all.taps = scope.add(name + "_convolution", {features, causal_ ? settings.taps : 2 * settings.taps - 1},
                         Init::torch(settings.taps));
  return all;
}

Tensor DeltaProjections::features_of(const Tensor& x, const Features& features, const SequenceLayout& layout) const {
  const Tensor y = linear(x, features.weights), taps = features.taps;
  return silu(taps.defined() ? depthwise_convolution(y, taps, layout, causal_) : y);
}

/// Each head's features in each row, scaled to this length.
Tensor DeltaProjections::with_length(double length, const Tensor& x) const {
  const long width = x.dim(1) / heads_;
  const Tensor factors = Tensor::full({width}, Real(length / std::sqrt(double(width))));
  return reshaped(rms_norm(reshaped(x, x.dim(0) * heads_), factors, 1e-6 / double(width)), x.dim(0));
}

DeltaProjections::Inputs DeltaProjections::operator()(const Tensor& x, const SequenceLayout& layout) const {
  const Tensor q = features_of(x, query_, layout), k = features_of(x, key_, layout);
  const long width = q.dim(1) / heads_;
  return {with_length(1 / std::sqrt(double(width)), q), with_length(1, k), features_of(x, value_, layout),
          sigmoid(linear(x, beta_))};
}

}  // namespace lra::inline LRA_ENGINE
