/// Norms of each head's result by itself, which linear attention without denominators needs: its results grow with the
/// number of keys. Their ε is 1e-5, the default of PyTorch's group norm.
#pragma once

#include "models/layers/parameters.h"

namespace lra::inline LRA_ENGINE {

/// Group norm with one group per head: x (T,H·D), normalised as by a layer norm without parameters in each row and
/// head, then scaled and shifted feature by feature. Wu, He. arXiv:1803.08494.
class GroupNorm {
 public:
  GroupNorm(const ParameterScope& scope, long head_count, long width);
  Tensor operator()(const Tensor& x) const;

 private:
  long head_count_;
  Parameter gamma_, beta_;
};

/// RMS norm (rms_norm in models/ops/ops.h) of x (T,H·D) in each row and head, by one gamma (D) for all heads.
class HeadRmsNorm {
 public:
  HeadRmsNorm(const ParameterScope& scope, long head_count, long width);
  Tensor operator()(const Tensor& x) const;

 private:
  long head_count_;
  Parameter gamma_;
};

}  // namespace lra::inline LRA_ENGINE
