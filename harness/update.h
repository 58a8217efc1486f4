/// The last part of a training step: the optimiser over all parameters.
#pragma once

#include <span>

#include "harness/lanes.h"
#include "models/optim/adam.h"
#include "models/tensor/detail/kernels.h"

namespace lra {

/// Σ g² over the trained parameters.
double squared_norm(const Parameters& parameters, std::span<const float> gradients);

/// Applies one step of Adam to every trained parameter, by all workers, and each state's rule to its sums. The bits do
/// not depend on the number of workers.
void update(Lanes& lanes, Adam& adam, const kernels::AdamStep& step, std::span<const float> gradients,
            Parameters& parameters);

}  // namespace lra
