/// Exponential moving averages over the tokens, with learned decays.
#pragma once

#include "models/layers/parameters.h"
#include "models/ops/sequence_layout.h"

namespace lra::inline LRA_ENGINE {

/// The multi-dimensional damped moving average. Ma et al. arXiv:2209.10655, §3.1 and §3.2. Each feature u has M states
/// h_t = α ∘ β·u_t + (1 − α∘δ) ∘ h_{t−1}, whose sum weighted by η/√M is its average. Unless `causal`, averages from the
/// last token to the first, with parameters of their own, are added; both include the token itself. α and δ are
/// sigmoids of parameters. Computed as a long convolution.
class MovingAverage {
 public:
  /// Adds "alpha", "delta", "beta" and "eta", of C rows or unless `causal` 2·C, and "omega" (C).
  MovingAverage(const ParameterScope& scope, long width, long states, bool causal);
  /// x (T,C) → SiLU(average of x + ω∘x) (T,C).
  Tensor operator()(const Tensor& x, const SequenceLayout& layout) const;

 private:
  bool causal_;
  Parameter alpha_, delta_, beta_, eta_, omega_;
};

}  // namespace lra::inline LRA_ENGINE
