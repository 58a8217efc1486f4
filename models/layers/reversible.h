/// Residual layers whose inputs follow from their outputs, so that nothing need be kept for backward.
#pragma once

#include <functional>
#include <vector>

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// A layer of two streams: y₁ = x₁ + f(x₂), y₂ = x₂ + g(y₁). Gomez, Ren, Urtasun, Grosse. arXiv:1707.04585, §3.
struct Coupling {
  std::function<Tensor(Tensor)> f, g;  // on (T,C), the same whenever called; they add no loss and to no state
};

/// Both streams start as x (T,C) and pass the layers; the mean of where they end. Keeps the two ends only: backward
/// finds each layer's inputs from its outputs, and calls f and g once more.
Tensor reversible_mean(const Tensor& x, std::vector<Coupling> layers);

}  // namespace lra::inline LRA_ENGINE
