/// Reversible residual layers: backward recomputes their inputs from their outputs instead of keeping them.
#pragma once

#include <functional>
#include <vector>

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// A layer of two streams: y₁ = x₁ + f(x₂), y₂ = x₂ + g(y₁). Gomez, Ren, Urtasun, Grosse. arXiv:1707.04585, §3.
struct Coupling {
  std::function<Tensor(Tensor)> f, g;  // on (T,C), deterministic, without auxiliary losses or updates of buffers
};

/// Passes two streams, which both start as x (T,C), through the layers and returns their mean. Keeps only the two final
/// streams: backward recomputes each layer's inputs from its outputs and calls f and g once more.
Tensor reversible_mean(const Tensor& x, std::vector<Coupling> layers);

}  // namespace lra::inline LRA_ENGINE
