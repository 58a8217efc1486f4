/// The kernels of selective scans (models/ops/selective_scan.cpp): linear recurrences whose decays, inputs and outputs
/// the tokens choose. Gu, Dao. arXiv:2312.00752, §3.2. As kernels.h in every respect.
#pragma once

#include "models/tensor/real.h"
#include "models/tensor/view.h"

namespace lra::inline LRA_ENGINE {

namespace kernels {

/// A chunk of n tokens in the order of the scan, so that strides are negative in a scan from the last token to the
/// first. For each of C features and each of its M states, with a_t = exp(step_t·rate_m):
///   h_t = a_t·h_{t−1} + b_tm·step_t·u_t, y_t = Σ_m c_tm·h_t, or if `strict` y_t = Σ_m c_tm·a_t·h_{t−1}.
struct ScanChunk {
  ConstView u, step;  // (n,C)
  ConstView b, c;     // (n,M)
  const Real* rates;  // (M,W), W = scan_width(C), at most 0; zeros beyond column C
  bool strict;
};

struct ScanGradients {
  View u, step, b, c;
  Real* rates;
};

/// The width of a row of states or rates, which whole vectors fill.
constexpr long scan_width(long cols) { return (cols + 15) / 16 * 16; }
/// Returns how many values of scratch memory the backward step of n tokens with `states` states needs.
constexpr long scan_scratch(long n, long states) { return 16 * states * (4 * n + 1); }

/// y += the results. `state` (M,W), h before the chunk, becomes h after it. Decays below the smallest normal number
/// count as 0.
void selective_scan(const ScanChunk& x, Real* state, View y);
/// Adds the gradients of the inputs. `state` is h before the chunk; `dstate`, the gradient of h after it, becomes that
/// of h before it. No two gradients overlap, except those of inputs that are the same memory.
void selective_scan_backward(const ScanChunk& x, const Real* state, ConstView dy, Real* dstate, const ScanGradients& d,
                             Real* scratch);

}  // namespace kernels
}  // namespace lra::inline LRA_ENGINE
