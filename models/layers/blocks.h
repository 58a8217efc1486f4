/// The stack of Transformer blocks, of which most models change one part only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/basic.h"
#include "models/layers/encoder.h"
#include "models/layers/mixer.h"

namespace lra::inline LRA_ENGINE {

/// How a block comes to one of its parts; geometry.layer says which block it is.
using MakePart = std::function<std::unique_ptr<Mixer>(const Geometry& geometry, const Scope& scope)>;

/// The exact attention of the Transformer.
MakePart full_attention();
/// The position-wise part of the Transformer, `geometry.ff` wide.
MakePart feed_forward();

/// LayerNorm → mixer → dropout → residual, LayerNorm → feed-forward → residual (pre-norm, as LRA's code has it).
class Block {
 public:
  Block(const Geometry& geometry, const Scope& scope, const MakePart& mixer, const MakePart& feed);
  /// x (T,C) → (T,C).
  Tensor forward(Tensor x, const Pack& pack) const;

 private:
  LayerNorm mixer_norm_;
  std::unique_ptr<Mixer> mixer_;
  Dropout mixer_site_;
  LayerNorm feed_norm_;
  std::unique_ptr<Mixer> feed_;
  std::string mixer_part_, feed_part_;  // in a profile: each with its norm and residual
};

/// `geometry.layers` blocks and a LayerNorm after the last.
class Blocks final : public Encoder {
 public:
  Blocks(const Geometry& geometry, const Scope& scope, const MakePart& mixer, const MakePart& feed);
  Packed forward(Packed tokens) const override;

 private:
  std::vector<Block> blocks_;
  LayerNorm norm_;
  std::string norm_part_;
};

/// A registered model as a whole encoder; a mixer stands in every block. Throws a usage error for unknown settings.
std::unique_ptr<Encoder> make_encoder(const std::string& model, const Settings& settings, const Geometry& geometry,
                                      const Scope& scope);

}  // namespace lra::inline LRA_ENGINE
