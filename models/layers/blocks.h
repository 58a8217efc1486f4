/// The stack of Transformer blocks, of which most models change one part only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/basic.h"
#include "models/layers/encoder.h"
#include "models/layers/mixer.h"
#include "models/layers/sublayer.h"

namespace lra::inline LRA_ENGINE {

/// How a block comes to its parts; geometry.layer says which block it is.
template <typename Part>
using Make = std::function<std::unique_ptr<Part>(const LayerDims& dims, const ParameterScope& scope)>;
using MakeMixer = Make<Mixer>;
using MakePositionWise = Make<PositionWise>;

/// The exact attention of the Transformer.
MakeMixer full_attention();
/// The position-wise part of the Transformer, `dims.ff` wide.
MakePositionWise feed_forward();

/// Two sublayers: the mixer, with dropout behind it, and a position-wise part.
class Block {
 public:
  Block(const LayerDims& dims, const ParameterScope& scope, const MakeMixer& mixer, const MakePositionWise& feed);
  /// x (T,C) → (T,C).
  Tensor forward(Tensor x, const SequenceLayout& layout) const;

 private:
  struct Normed {
    LayerNorm norm;
    std::unique_ptr<Sublayer> sublayer;
    std::string path;  // in a profile: with its norm and residual
  };
  std::vector<Normed> sublayers_;
};

/// `dims.layers` blocks and a LayerNorm after the last.
class Blocks final : public Encoder {
 public:
  Blocks(const LayerDims& dims, const ParameterScope& scope, const MakeMixer& mixer, const MakePositionWise& feed);
  PackedSequences forward(PackedSequences tokens) const override;

 private:
  std::vector<Block> blocks_;
  LayerNorm norm_;
  std::string norm_part_;
};

/// A registered model as a whole encoder; a mixer stands in every block. Throws a usage error for unknown settings.
std::unique_ptr<Encoder> make_encoder(const std::string& model, const Settings& settings, const LayerDims& dims,
                                      const ParameterScope& scope);

}  // namespace lra::inline LRA_ENGINE
