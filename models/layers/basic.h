/// Basic layers: an op with its parameters.
#pragma once

#include "models/layers/parameters.h"
#include "models/layers/sublayer.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

/// x·wᵀ + b.
class Linear {
 public:
  Linear(const ParameterScope& scope, long in, long out, const Init& weights, const Init& bias,
         const TrainingOptions& options = {});
  Tensor operator()(Tensor x) const;
  const Parameter& weights() const { return w_; }
  const Parameter& bias() const { return b_; }

 private:
  Parameter w_, b_;
};

class LayerNorm {
 public:
  LayerNorm(const ParameterScope& scope, long width);
  Tensor operator()(Tensor x) const;
  const Parameter& gamma() const { return gamma_; }
  const Parameter& beta() const { return beta_; }

 private:
  Parameter gamma_, beta_;
};

/// The position-wise part of a block: linear, GELU, dropout, linear, dropout. Biases start near zero, as in LRA's code.
class FeedForward final : public PositionWise {
 public:
  FeedForward(const ParameterScope& scope, long width, long hidden, double dropout_rate);
  Tensor forward(Tensor x, const SequenceLayout& layout) const override;
  Tensor residual(Tensor x, const LayerNorm& norm, const SequenceLayout& layout) const override;

 private:
  FeedForwardWeights weights(const Tensor& gamma, const Tensor& beta) const;

  Linear in_, out_;
  Dropout hidden_site_, out_site_;
};

}  // namespace lra::inline LRA_ENGINE
