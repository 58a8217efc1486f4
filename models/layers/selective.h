/// Parts of models whose time steps the tokens choose.
#pragma once

#include "models/layers/parameters.h"

namespace lra::inline LRA_ENGINE {

/// The initial biases of time steps Δ = softplus(… + bias), with which Δ would be log-uniform in [0.001,0.1] if the
/// rest were 0. As in the authors' code, state-spaces/mamba.
Init time_step_bias();

/// SiLU(convolution + bias), feature by feature, over a token and the `taps` − 1 before it, and unless `causal` as many
/// after it. Gu, Dao. arXiv:2312.00752, §3.4.
class ShortConvolution {
 public:
  /// Adds "convolution" (C,taps), or (C,2·taps − 1) unless `causal`, and "convolution_bias" (C).
  ShortConvolution(const ParameterScope& scope, long width, long taps, bool causal);
  Tensor operator()(Tensor x, const SequenceLayout& layout) const;

 private:
  bool causal_;
  Parameter taps_, bias_;
};

}  // namespace lra::inline LRA_ENGINE
