/// Blocks whose attention has relative positions.
#pragma once

#include <string>

#include "models/layers/basic.h"
#include "models/layers/encoder.h"
#include "models/layers/projections.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

/// u and v, (H·D) each: what is added to queries before their products with keys, and with distances.
struct RelativeBiases {
  RelativeBiases(const LayerDims& dims, const ParameterScope& scope, const Init& init);
  Parameter content, position;
};

/// What the rows of a block see.
struct RelativeContext {
  PackedSequences rows;  // undefined x: the block's own input
  Pattern pattern;       // of consecutive queries and consecutive keys; windows give the positions of keys
  long before = 0;       // the largest distance to an earlier key, in units
  long after = 0;        // … and to a later one
  double unit = 1;       // the distance between neighbouring keys, in tokens
  long query_step = 1;   // the distance between neighbouring queries, in units
};

/// A pre-norm block with the scores ((q_i + u)·k_j + (q_i + v)·W r(i−j)) / √D, where r is the sinusoid of the distance.
/// Dai et al. arXiv:1901.02860, §3.3. The sign of the sine is flipped, which W absorbs. Rows of the context are
/// normalised like the block's input, by the same trained norm.
class RelativeBlock {
 public:
  /// `position`: initial values of W.
  RelativeBlock(const LayerDims& dims, const ParameterScope& scope, const RelativeBiases& biases, const Init& position);

  /// x (T,C) → x + attention(norm(x), norm(context)), then the feed-forward part.
  Tensor forward(Tensor x, const SequenceLayout& layout, const RelativeContext& context) const;

  /// Content attention alone, without positions, biases and output projection and with constant weights, from each
  /// sequence of x to the same sequence of the context: softmax(q·kᵀ/√D)·v (T,H·D).
  Tensor frozen_content(const PackedSequences& x, const PackedSequences& context) const;
  /// Its probabilities of each row of `context` (n,C), summed over the rows of x and over heads: (1,n), a constant.
  Tensor frozen_usage(const Tensor& x, const Tensor& context) const;

 private:
  Tensor attend(const Tensor& seeking, const SequenceLayout& layout, const RelativeContext& context, const Tensor& seen,
                const SequenceLayout& seen_layout) const;
  Tensor frozen(const Tensor& x, const Parameter& projection) const;

  std::string mixer_path_, feed_path_;
  long heads_, angles_;  // angles: C rounded down to even
  LayerNorm mixer_norm_;
  Projections projections_;
  RelativeBiases biases_;
  Parameter position_;  // W (H·D,C)
  Dropout probabilities_site_, out_site_;
  LayerNorm feed_norm_;
  FeedForward feed_;
};

}  // namespace lra::inline LRA_ENGINE
