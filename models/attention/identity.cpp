/// Identity: no token mixing. The block keeps its feed-forward part, so this model's accuracy shows what a task gives
/// away without any exchange of information between tokens before pooling.
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Identity final : public Mixer {
 public:
  using Config = NoSettings;
  Identity(const Config&, const LayerDims&, const ParameterScope&) {}

  Tensor forward(Tensor x, const SequenceLayout&) const override { return scale(std::move(x), 0); }
};

const RegisterModel<Identity> registered{"identity",
                                         {.summary = "no token mixing; a control",
                                          .paper = "a control of this benchmark",
                                          .complexity = "O(1)",
                                          .kind = "control",
                                          .differs = "not among LRA's models",
                                          .exponent = 0,
                                          .mixes = false}};

}  // namespace
}  // namespace lra
