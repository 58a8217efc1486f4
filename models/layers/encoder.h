/// The interface of models that change the stack of blocks: the sequence length between blocks, memories carried from
/// segment to segment, experts in some blocks.
///
/// An `Encoder` is everything between embedding and pooling. A model is one .cpp in models/encoders, registered like
/// any other (registry.h) and built from the parts in blocks.h and basic.h.
#pragma once

#include <string>

#include "models/layers/registry.h"
#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// The shape of a model, which LRA's rules keep equal between models.
struct EncoderConfig {
  long width = 64;
  long qkv = 0;  // 0: width
  long ff = 128;
  long heads = 2;
  long layers = 2;
  double dropout = 0.1;
  double attention_dropout = 0.1;
  std::string pool = "mean";          // cls | mean
  std::string positions = "learned";  // learned | sinusoid | none
  std::string interaction = "nli";    // paired tasks: nli | concat
  long head_width = 0;                // 0: ff
  long head_layers = -1;              // −1: one, for pairs two
  std::string norm = "before";        // before | after
  std::string feed = "gelu";          // gelu | relu | silu | swiglu | none
  bool final_norm = true;             // with norms before the parts of blocks only

  void fields(auto&& f) {
    f("width", width, "features of a token", between(1, kMostOfASize));
    f("qkv", qkv, "features of queries, keys and values, all heads together; 0 for width", between(0, kMostOfASize));
    f("ff", ff, "hidden features of the feed-forward part", between(1, kMostOfASize));
    f("heads", heads, "attention heads", between(1, kMostOfASize));
    f("layers", layers, "blocks of the encoder", between(1, 1024));
    f("dropout", dropout, "dropout on embeddings and residual branches", between(0, 1));
    f("attention_dropout", attention_dropout, "dropout on attention probabilities", between(0, 1));
    f("pool", pool, "cls or mean; on paired tasks cls is the first token");
    f("positions", positions, "learned, sinusoid or none");
    f("interaction", interaction, "paired tasks: nli (e1, e2, e1*e2, e1-e2) or concat (e1, e2)");
    f("head_width", head_width, "hidden features of the classifier's head, 0 for ff", between(0, kMostOfASize));
    f("head_layers", head_layers, "hidden layers of the head, each half as wide as the one before; -1: LRA's 1 or 2",
      between(-1, 16));
    f("norm", norm, "norms before or after the parts of a block");
    f("feed", feed, "position-wise part of a block: gelu, relu, silu, swiglu or none");
    f("final_norm", final_norm, "a norm after the last block, if norms are before the parts");
  }
};

/// Packed tokens x (T,C) and their layout.
struct PackedSequences {
  Tensor x;
  SequenceLayout layout;
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  /// tokens (T,dims.width) → the states to be pooled (T',dims.width): at least one for each sequence, in the same order
  /// of sequences. With cls pooling the first state of a sequence must come from its cls token, unless it is the only
  /// one. Thread-safe.
  virtual PackedSequences forward(PackedSequences tokens) const = 0;
};

}  // namespace lra::inline LRA_ENGINE
