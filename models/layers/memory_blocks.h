/// A stack of blocks with two streams: the tokens, and a memory of a few vectors per sequence that starts from learned
/// values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/layers/blocks.h"

namespace lra::inline LRA_ENGINE {

/// Mixes the tokens and the memory of a block.
class MemoryMixer {
 public:
  struct Gains {
    Tensor tokens, memory;
  };
  virtual ~MemoryMixer() = default;
  /// tokens (T,C) and memory (S·M,C), packed → what is added to each of them, of the same shapes. Nothing reads the
  /// memory's gain in the last block (dims.layer), or if the memory is not carried; it may be undefined then.
  /// Thread-safe.
  virtual Gains forward(const PackedSequences& tokens, const PackedSequences& memory) const = 0;
};

/// What a model's memory is.
struct MemoryStream {
  long vectors = 1;     // M: per sequence
  Init init;            // of the learned values
  bool carried = true;  // from block to block; otherwise each block starts from learned vectors of its own
  bool feeds = false;   // the feed-forward part is applied to the memory, too
};

/// `dims.layers` blocks, followed by a LayerNorm; returns the tokens. In each block both streams are normalised and
/// mixed, the gains are added, and a feed-forward part follows. A memory that is not carried is mixed as it is.
class MemoryBlocks final : public Encoder {
 public:
  MemoryBlocks(const MemoryStream& stream, const LayerDims& dims, const ParameterScope& scope,
               const Make<MemoryMixer>& mixer);
  PackedSequences forward(PackedSequences tokens) const override;

 private:
  struct Layer {
    Layer(const MemoryStream& stream, const LayerDims& dims, const ParameterScope& scope,
          const Make<MemoryMixer>& mixer);

    LayerNorm norm;
    std::optional<LayerNorm> memory_norm;  // of a memory that is carried
    Parameter vectors;                     // of one that is not
    std::unique_ptr<MemoryMixer> mixer;
    Dropout site, memory_site;
    LayerNorm feed_norm;
    FeedForward feed, memory_feed;  // with the same weights
    std::string mixer_part, feed_part;
  };

  MemoryStream stream_;
  Parameter vectors_;
  std::vector<Layer> layers_;
  LayerNorm norm_;
  std::string norm_part_;
};

}  // namespace lra::inline LRA_ENGINE
