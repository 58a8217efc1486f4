/// Adam with decoupled weight decay over flat buffers.
#pragma once

#include <span>
#include <vector>

#include "models/tensor/detail/kernels.h"
#include "tasks/recipe.h"

namespace lra::inline LRA_ENGINE {

/// Holds the two moments. Elements are independent, so threads may apply disjoint ranges of one step at the same time.
class Adam {
 public:
  Adam(long parameters, const Recipe& recipe);

  /// Returns the coefficients of update number `step` (from 0) at learning rate `lr`, with gradients scaled by
  /// `gradient_scale`, and with the recipe's weight decay or none.
  kernels::AdamStep at(long step, double lr, double gradient_scale, bool weight_decay = true) const;
  /// Applies the update to elements begin … end − 1. Thread-safe for disjoint ranges.
  void apply(const kernels::AdamStep& step, std::span<const Real> gradients, std::span<Real> parameters, long begin,
             long end);

  std::span<Real> first_moment() { return m_; }
  std::span<Real> second_moment() { return v_; }

 private:
  double beta1_, beta2_, epsilon_, weight_decay_;
  std::vector<Real> m_, v_;
};

/// Returns the factor that scales gradients of global norm `norm` to at most `clip`: min(1, clip / norm), or 1 if clip
/// is 0.
double clip_factor(double norm, double clip);

}  // namespace lra::inline LRA_ENGINE
