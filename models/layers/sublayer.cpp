#include "models/layers/sublayer.h"

#include "models/layers/basic.h"

namespace lra::inline LRA_ENGINE {

Tensor Sublayer::residual(Tensor x, const LayerNorm& norm, const SequenceLayout& layout) const {
  return add(forward(norm(x), layout), x);
}

}  // namespace lra::inline LRA_ENGINE
