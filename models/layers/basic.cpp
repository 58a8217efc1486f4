#include "models/layers/basic.h"

namespace lra::inline LRA_ENGINE {

Linear::Linear(const ParameterScope& scope, long in, long out, const Init& weights, const Init& bias,
               const TrainingOptions& options)
    : w_(scope.add("weight", {out, in}, weights, options)), b_(scope.add("bias", {out}, bias, options)) {}

Tensor Linear::operator()(Tensor x) const { return linear(std::move(x), w_, b_); }

LayerNorm::LayerNorm(const ParameterScope& scope, long width)
    : gamma_(scope.add("gamma", {width}, Init::ones())), beta_(scope.add("beta", {width}, Init::zeros())) {}

Tensor LayerNorm::operator()(Tensor x) const { return layer_norm(std::move(x), gamma_, beta_); }

FeedForward::FeedForward(const ParameterScope& scope, long width, long hidden, double dropout_rate)
    : in_(scope / "in", width, hidden, Init::xavier(width, hidden), Init::normal(1e-6)),
      out_(scope / "out", hidden, width, Init::xavier(hidden, width), Init::normal(1e-6)),
      hidden_site_(scope.dropout("hidden", dropout_rate)),
      out_site_(scope.dropout("out", dropout_rate)) {}

Tensor FeedForward::forward(Tensor x, const SequenceLayout& layout) const {
  return feed_forward(std::move(x), weights({}, {}), hidden_site_, out_site_, layout);
}

Tensor FeedForward::residual(Tensor x, const LayerNorm& norm, const SequenceLayout& layout) const {
  return feed_forward(std::move(x), weights(norm.gamma(), norm.beta()), hidden_site_, out_site_, layout);
}

FeedForwardWeights FeedForward::weights(const Tensor& gamma, const Tensor& beta) const {
  return {in_.weights(), in_.bias(), out_.weights(), out_.bias(), gamma, beta};
}

}  // namespace lra::inline LRA_ENGINE
