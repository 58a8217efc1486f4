/// Attention whose scores know how far apart two tokens are, wherever they stand.
#pragma once

#include <span>

#include "models/layers/projections.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

/// Projections for scores (q_i + u)·k_j + (q_i + v)·W r(i−j) over √D, r the sinusoids of the distance. Dai et al.
/// arXiv:1901.02860, §3.3.
///
/// The second product splits into a feature of i and one of j, by the theorem of addition (Dai, Lai, Yang, Le
/// arXiv:2006.03236, appendix A.2), so both together are one product of wider rows: any softmax attention over
/// `queries`, `keys` and `values` gives exactly these scores, without a matrix of distances. The result goes through
/// `out`. With C' = C rounded down to even, rows have H·(D+C') features; the sinusoid has its sine with the sign
/// turned, which W takes up.
class RelativeProjections {
 public:
  RelativeProjections(const LayerDims& dims, const ParameterScope& scope);

  /// x (T,C) and the place of each row, in tokens; places may lie between tokens.
  Tensor queries(const Tensor& x, std::span<const double> places) const;
  Tensor keys(const Tensor& x, std::span<const double> places) const;
  Tensor values(const Tensor& x) const;
  /// The result of the attention → (T,C).
  Tensor out(const Tensor& y) const;

  /// The same without positions, biases and `out`, and with the weights as constants: softmax(q·kᵀ/√D)·v
  /// from each sequence of x to that of the context, (T,H·D).
  Tensor frozen_content(const Tensor& x, const SequenceLayout& layout, const Tensor& context,
                        const SequenceLayout& context_layout) const;

 private:
  long heads_, width_, angles_;  // D and C' of a head
  Projections projections_;
  Parameter u_, position_bias_, position_;
};

}  // namespace lra::inline LRA_ENGINE
