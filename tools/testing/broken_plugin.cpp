// A plug-in whose model breaks the contract: its output for a sequence depends on the number of tokens in the pack.
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Broken final : public Mixer {
 public:
  using Config = NoSettings;
  Broken(const Config&, const LayerDims&, const ParameterScope&) {}

  Tensor forward(Tensor x, const SequenceLayout&) const override {
    const double tokens = double(x.dim(0));
    return scale(std::move(x), tokens);
  }
};

const RegisterModel<Broken> registered{"broken",
                                       {.summary = "scales by the number of tokens",
                                        .paper = "none: made for a test",
                                        .complexity = "O(N)",
                                        .kind = "control",
                                        .differs = "nothing to differ from",
                                        .exponent = 1}};

}  // namespace
}  // namespace lra
