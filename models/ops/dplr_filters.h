/// Filters of state spaces whose state matrix is diagonal plus low rank.
#pragma once

#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// The filters of linear state spaces x' = A·x + B·u, y = 2·Re Σ_m w_m x_m with A = Λ − P·P*, discretised by the
/// trapezoidal rule with step Δ: row t, column c of the result (length,W) is y after t steps from an impulse, w·Ā^t·B̄
/// with Ā = (I − Δ/2·A)⁻¹(I + Δ/2·A), B̄ = (I − Δ/2·A)⁻¹·Δ·B. Gu, Goel, Ré. arXiv:2111.00396, §3.2 and §3.4.
///
/// Each of the M states stands for a conjugate pair, so that the low-rank term is −P_m · 2·Re Σ_k conj(P_k) x_k.
/// `matrix`, the diagonal Λ with negative real parts, `low_rank` P and `input` B are (C,2M), `weights` w (W,2M), W a
/// multiple of C; each row has M real parts, then M imaginary parts, and row c of the weights belongs to row c mod C of
/// the others and of log_steps (C,1), the logarithms of Δ. Computed in double by the recurrence, in O(length·M·W), so
/// that no tap depends on the length. Keeps all inputs. (dplr_filters.cpp)
Tensor dplr_filters(const Tensor& matrix, const Tensor& low_rank, const Tensor& input, const Tensor& log_steps,
                    const Tensor& weights, long length);
/// The results of these state spaces for inputs x (T,C), as state_space in ops.h.
Tensor dplr_state_space(const Tensor& x, const Tensor& matrix, const Tensor& low_rank, const Tensor& input,
                        const Tensor& log_steps, const Tensor& weights, const SequenceLayout& layout);

}  // namespace lra::inline LRA_ENGINE
