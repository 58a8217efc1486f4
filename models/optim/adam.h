/// Adam with decoupled weight decay over flat buffers.
#pragma once

#include <span>
#include <vector>

#include "models/tensor/detail/kernels.h"
#include "tasks/recipe.h"

namespace lra::inline LRA_ENGINE {

/// Holds the two moments. Parameters change only in `step`; chunks of one step may be applied by different threads,
/// since every element is treated alike and alone.
class Adam {
 public:
  Adam(long parameters, const Recipe& recipe);

  /// What update number `step` (from 0) does at learning rate `lr`, gradients times `gradient_scale`.
  kernels::AdamStep at(long step, double lr, double gradient_scale) const;
  /// Applies it to elements begin … end − 1. Thread-safe for disjoint ranges.
  void apply(const kernels::AdamStep& step, std::span<const Real> gradients, std::span<Real> parameters, long begin,
             long end);

  std::span<Real> first_moment() { return m_; }
  std::span<Real> second_moment() { return v_; }

 private:
  double beta1_, beta2_, epsilon_, weight_decay_;
  std::vector<Real> m_, v_;
};

/// min(1, clip / norm), 1 when clip is 0: what scales gradients to a global norm of at most `clip`.
double clip_factor(double norm, double clip);

}  // namespace lra::inline LRA_ENGINE
