/// Recurrence over segments: each sees itself and memories of the states of earlier ones.
#pragma once

#include <vector>

#include "models/layers/relative.h"

namespace lra::inline LRA_ENGINE {

/// A stack of relative blocks (relative.h) over segments. A layer's memory is its own input in earlier segments without
/// gradient, so all segments are computed layer by layer at once. u and v are shared by all layers, as in Dai et al.
/// arXiv:1901.02860, §3.3, whose other weights have the layer's index.
class SegmentRecurrence : public Encoder {
 public:
  /// `segment`: tokens; `causal`: no token sees a later one, otherwise all of its segment.
  SegmentRecurrence(long segment, bool causal, const LayerDims& dims, const ParameterScope& scope);
  PackedSequences forward(PackedSequences tokens) const final;

 protected:
  /// What a segment sees before its own tokens: `recent` states, and before them the last `seen` of the `made`
  /// compressed ones. Distances count states, compressed or not.
  struct Memory {
    long recent = 0, made = 0, seen = 0;
  };
  /// The memory of a segment that begins at position `begin`.
  virtual Memory memory(long begin) const = 0;
  /// The compressed states (made,C) of the last segment, from all states of one sequence before it. `layout` is that of
  /// all sequences. Called when there are any.
  virtual Tensor compressed(long layer, const Tensor& states, const SequenceLayout& layout) const;

  long segment() const { return segment_; }
  const RelativeBlock& block(long layer) const { return blocks_[std::size_t(layer)]; }

 private:
  /// The number of states of n tokens that are memories of some segment: those before the last one, or none.
  long remembered(long n) const;
  RelativeContext context(long layer, const PackedSequences& tokens) const;
  /// For n tokens. Keys: the tokens, those remembered, the compressed states.
  void visit_parts(long n, const PartVisitor& visit) const;

  long segment_;
  bool causal_;
  std::vector<RelativeBlock> blocks_;
  LayerNorm norm_;
};

}  // namespace lra::inline LRA_ENGINE
