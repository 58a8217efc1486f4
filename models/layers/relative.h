/// Attention with relative positions.
#pragma once

#include <span>

#include "models/layers/projections.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

/// Projections for the scores ((q_i + u)·k_j + (q_i + v)·W r(i−j)) / √D, where r is the sinusoid of the distance. Dai
/// et al. arXiv:1901.02860, §3.3.
///
/// The second product factors into a feature of i and a feature of j by the angle-addition formulas (Dai, Lai, Yang, Le
/// arXiv:2006.03236, appendix A.2), so both products together are one product of wider rows: any softmax attention over
/// `queries`, `keys` and `values` has exactly these scores, without a matrix of distances. `out` projects the result.
/// With C' = C rounded down to even, rows have H·(D+C') features. The sign of the sine is flipped, which W absorbs.
class RelativeProjections {
 public:
  RelativeProjections(const LayerDims& dims, const ParameterScope& scope);

  /// x (T,C) and the position of each row in tokens, which may be fractional → (T,H·(D+C')).
  Tensor queries(const Tensor& x, std::span<const double> places) const;
  Tensor keys(const Tensor& x, std::span<const double> places) const;
  Tensor values(const Tensor& x) const;
  /// The result of the attention → (T,C).
  Tensor out(const Tensor& y) const;

  /// Content attention alone, without positions, biases and `out` and with constant weights: softmax(q·kᵀ/√D)·v from
  /// each sequence of x to the same sequence of the context, (T,H·D).
  Tensor frozen_content(const Tensor& x, const SequenceLayout& layout, const Tensor& context,
                        const SequenceLayout& context_layout) const;

 private:
  long heads_, width_, angles_;  // D and C' of a head
  Projections projections_;
  Parameter u_, position_bias_, position_;
};

}  // namespace lra::inline LRA_ENGINE
