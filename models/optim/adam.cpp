#include "models/optim/adam.h"
#include "models/tensor/detail/kernels.h"

#include <cmath>

namespace lra::inline LRA_ENGINE {

Adam::Adam(long parameters, const Recipe& recipe)
    : beta1_(recipe.beta1),
      beta2_(recipe.beta2),
      epsilon_(recipe.epsilon),
      weight_decay_(recipe.weight_decay),
      m_(std::size_t(parameters)),
      v_(std::size_t(parameters)) {}

kernels::AdamStep Adam::at(long step, double lr, double gradient_scale, bool weight_decay) const {
  const double t = double(step + 1), decay = weight_decay ? weight_decay_ : 0;
  return {lr, beta1_, beta2_, epsilon_, decay, 1 - std::pow(beta1_, t), 1 - std::pow(beta2_, t), gradient_scale};
}

void Adam::apply(const kernels::AdamStep& step, std::span<const Real> gradients, std::span<Real> parameters, long begin,
                 long end) {
  kernels::adam(step, gradients.data() + begin, m_.data() + begin, v_.data() + begin, parameters.data() + begin,
                end - begin);
}

double clip_factor(double norm, double clip) { return clip > 0 && norm > clip ? clip / norm : 1; }

}  // namespace lra::inline LRA_ENGINE
