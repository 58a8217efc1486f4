/// Recurrent cells as mixers.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "models/layers/basic.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

/// The states of one cell along the sequence, or of two with weights of their own in both directions, concatenated, and
/// a projection back to the width. Schuster, Paliwal. "Bidirectional Recurrent Neural Networks." IEEE Transactions on
/// Signal Processing 45(11), 1997. Together the states have as many features as queries would have. A Cell has a
/// constructor (scope, features of a token, features of a state), and returns (T,states) for (x, layout, reversed).
template <typename Cell>
class Recurrent final : public Mixer {
 public:
  struct Config {
    bool causal = false;
    void fields(auto&& f) { f("causal", causal, "no token sees a later one"); }
  };

  Recurrent(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Recurrent(dims, scope, config.causal, config.causal ? dims.qkv : (dims.qkv + 1) / 2) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    if (!backward_) return linear(forward_(std::move(x), layout, false), out_);
    const Tensor earlier = forward_(x, layout, false);
    return linear(concat_columns(std::vector<Tensor>{earlier, (*backward_)(std::move(x), layout, true)}), out_);
  }

 private:
  Recurrent(const LayerDims& dims, const ParameterScope& scope, bool causal, long states)
      : forward_(scope / "forward", dims.width, states) {
    if (!causal) backward_.emplace(scope / "backward", dims.width, states);
    const long features = (causal ? 1 : 2) * states;
    out_ = scope.add("out", {dims.width, features}, Init::xavier(features, dims.width));
  }

  Cell forward_;
  std::optional<Cell> backward_;
  Parameter out_;
};

}  // namespace lra::inline LRA_ENGINE
