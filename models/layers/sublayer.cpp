#include "models/layers/sublayer.h"

#include "models/layers/basic.h"

namespace lra::inline LRA_ENGINE {

Tensor Sublayer::residual(Tensor x, const LayerNorm& norm, const Pack& pack) const {
  return add(forward(norm(x), pack), x);
}

}  // namespace lra::inline LRA_ENGINE
