/// Linear state spaces whose complex states read and write all features: what S5 and LRU have in common.
#pragma once

#include "models/layers/registry.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

/// y_t = Re(C·x_t) + D∘u_t for the states x_t = s∘x_{t−1} + B·u_t; unless `causal` a second matrix C' adds Re(C'·x'_t)
/// for the states x' of the reversed sequence, which see u_t too. Smith, Warrington, Linderman. arXiv:2208.04933, §2.
class SharedStates {
 public:
  /// Adds "out" (C,2P), whose rows have P real parts, then P imaginary parts with the opposite sign, from
  /// N(0,deviation²); "out_reversed" likewise, unless `causal`; and "skip" (C) from N(0,1).
  SharedStates(const ParameterScope& scope, long width, long states, double deviation, bool causal);
  /// u (T,C), in (2P,C): B; matrix, log_steps, method: of state_scan. C and C' count `factor` times.
  Tensor operator()(const Tensor& u, const Tensor& in, const Tensor& matrix, const Tensor& log_steps,
                    Discretisation method, double factor, const SequenceLayout& layout) const;

 private:
  bool causal_;
  Parameter out_, out_reversed_, skip_;
};

}  // namespace lra::inline LRA_ENGINE
