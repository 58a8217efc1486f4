#include "models/layers/head_norm.h"

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr double kEpsilon = 1e-5;

}  // namespace

GroupNorm::GroupNorm(const ParameterScope& scope, long head_count, long width)
    : head_count_(head_count),
      gamma_(scope.add("gamma", {width}, Init::ones())),
      beta_(scope.add("beta", {width}, Init::zeros())) {}

Tensor GroupNorm::operator()(const Tensor& x) const {
  const long tokens = x.dim(0), width = x.dim(1) / head_count_;
  const Tensor normed =
      layer_norm(reshaped(x, tokens * head_count_), Tensor::ones({width}), Tensor::zeros({width}), kEpsilon);
  return add(multiply(reshaped(normed, tokens), gamma_), beta_);
}

HeadRmsNorm::HeadRmsNorm(const ParameterScope& scope, long head_count, long width)
    : head_count_(head_count), gamma_(scope.add("gamma", {width / head_count}, Init::ones())) {}

Tensor HeadRmsNorm::operator()(const Tensor& x) const {
  const long tokens = x.dim(0);
  return reshaped(rms_norm(reshaped(x, tokens * head_count_), gamma_, kEpsilon), tokens);
}

}  // namespace lra::inline LRA_ENGINE
