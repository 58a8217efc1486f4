/// The stack of Transformer blocks. Most models change only one part of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/layers/basic.h"
#include "models/layers/encoder.h"
#include "models/layers/mixer.h"
#include "models/layers/sublayer.h"

namespace lra::inline LRA_ENGINE {

/// Makes a part of a block; dims.layer is the index of the block.
template <typename Part>
using Make = std::function<std::unique_ptr<Part>(const LayerDims& dims, const ParameterScope& scope)>;
using MakeMixer = Make<Mixer>;
using MakePositionWise = Make<PositionWise>;

/// Makes the exact attention of the Transformer; if `causal`, no token sees a later one.
MakeMixer full_attention(bool causal = false);
/// Makes the position-wise part of the Transformer, of hidden width `dims.ff`, with the activation gelu, relu, silu or
/// swiglu; "none" makes none. swiglu: (silu(x·W₁) ∘ x·W₂)·W₃, Shazeer. arXiv:2002.05202, eq. 6, here with biases.
/// Throws a usage error, which begins with `who`, for another name.
MakePositionWise feed_forward(const std::string& activation = "gelu", const std::string& who = "encoder");

/// How blocks apply their sublayers f.
struct BlockForm {
  bool norm_after = false;  // norm(x + f(x)), as Vaswani et al. §3.1; otherwise x + f(norm(x)), as in LRA's code
  bool parallel = false;    // x + Σ f(norm(x)) over all sublayers f at once
  long distinct = 0;        // block l uses the parameters of block l mod `distinct`; 0 if every block has its own
  bool final_norm = true;   // a norm after the last block, unless each block ends in one
};

/// Two sublayers: the mixer followed by dropout, and a position-wise part, which an empty `feed` leaves out.
class Block {
 public:
  Block(const LayerDims& dims, const ParameterScope& scope, const MakeMixer& mixer, const MakePositionWise& feed,
        const BlockForm& form = {});
  /// x (T,C) → (T,C).
  Tensor forward(Tensor x, const SequenceLayout& layout) const;

 private:
  struct Part {
    std::unique_ptr<Sublayer> sublayer;
    std::string path;  // the name in a profile, which includes norm and residual
  };
  Tensor forward_parallel(Tensor x, const SequenceLayout& layout) const;

  BlockForm form_;
  std::vector<Part> parts_;
  std::vector<LayerNorm> norms_;  // one per part, or one for parallel parts
};

/// `dims.layers` blocks, followed by a LayerNorm where `form` has one.
class Blocks final : public Encoder {
 public:
  Blocks(const LayerDims& dims, const ParameterScope& scope, const MakeMixer& mixer, const MakePositionWise& feed,
         const BlockForm& form = {});
  PackedSequences forward(PackedSequences tokens) const override;

 private:
  std::vector<Block> blocks_;
  std::optional<LayerNorm> norm_;
  std::string norm_part_;
};

/// Builds a registered model as an encoder; a Mixer is put into every block of the stack that `shape` describes. Throws
/// a usage error for an unknown model or setting, and for another stack than the usual one around an Encoder, which has
/// its own.
std::unique_ptr<Encoder> make_encoder(const std::string& model, const Settings& settings, const LayerDims& dims,
                                      const ParameterScope& scope, const EncoderConfig& shape = {});

}  // namespace lra::inline LRA_ENGINE
