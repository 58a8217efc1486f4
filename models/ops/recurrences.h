/// Recurrences along packed sequences, with their shapes and what they keep for backward. Each has a file.
///
/// Shapes: T packed tokens, C features, P states, H heads, M features of a head's keys, D of its values.
#pragma once

#include "models/autodiff/tape.h"
#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

enum class Discretisation;  // ops.h

/// Which keys a query sees: its own and earlier ones, its own and later ones, or all.
enum class Direction { forward, backward, both };

/// Linear attention whose keys decay with distance: for each sequence and head the recurrence S_t = diag(a_t)·S_{t−1} +
/// k_t·v_tᵀ, o_t = S_tᵀ·q_t from S = 0, a_t = exp(log_decay[t]). Yang et al. arXiv:2312.06635, eq. 3. `backward` is the
/// same on the reversed sequence; `both` adds the two and counts a query's own key once. q, k (T,H·M), v (T,H·D) →
/// (T,H·D). `log_decay`, at most 0 and −∞ included, has T rows, or one for all tokens, of H·M columns, or H for all
/// features of a head. Computed in chunks (§4.3 there), where no exponent is above 0. Keeps all inputs.
/// (decayed_attention.cpp)
Tensor decayed_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& log_decay, long head_count,
                         const SequenceLayout& layout, Direction direction = Direction::forward);
/// Attention by the delta rule, which replaces what memory holds under a key instead of adding to it: for each sequence
/// and head S_t = (I − β_t·k_t·k_tᵀ)·a_t·S_{t−1} + β_t·k_t·v_tᵀ, o_t = S_tᵀ·q_t from S = 0, a_t = exp(log_decay[t]).
/// Yang, Kautz, Hatamizadeh. arXiv:2412.06464, §3.1; without log decays Yang et al. arXiv:2406.06484, §2.2. `backward`
/// is the same on the reversed sequence; `both` adds the two and counts what a token itself writes, β_t·k_t·v_tᵀ, once.
/// q, k (T,H·M), v (T,H·D), beta (T,H), log_decay (T,H), at most 0 and −∞ included, or undefined → (T,H·D). States are
/// bounded if β_t·‖k_t‖² is from 0 to 2. Computed in chunks (§3.3 and §3.2 there). Keeps all inputs.
/// (delta_attention.cpp)
Tensor delta_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& beta, const Tensor& log_decay,
                       long head_count, const SequenceLayout& layout, Direction direction = Direction::forward);
/// A linear recurrence along each sequence, feature by feature: h_t = a_t ∘ h_{t−1} + b_t from h = 0. `backward` is the
/// same on the reversed sequence; `both` adds the two and counts b_t once. a, in [0,1], and b (T,C) → (T,C). With
/// `angles` θ (1,C) states are complex and turn by θ per token, h_t = a_t ∘ e^{iθ} ∘ h_{t−1} + b_t: each row of b and
/// of the result (T,2C) has C real parts, then C imaginary parts. Keeps a and the results of each direction.
/// (gated_scan.cpp)
Tensor gated_scan(const Tensor& a, Tensor b, const SequenceLayout& layout, Direction direction = Direction::forward,
                  const Tensor& angles = {});
/// A diagonal linear state space of M states per feature, whose time steps, inputs and outputs the tokens choose: for
/// each feature c and state m h_t = exp(step_tc·rate_cm)·h_{t−1} + b_tm·step_tc·u_tc from h = 0, y_tc = Σ_m c_tm·h_t.
/// Gu, Dao. arXiv:2312.00752, algorithm 2 and §3.6. `backward` is the same on the reversed sequence; `both` adds the
/// two and counts what a token adds to its own result once. u and step, at least 0, (T,C), rates, at most 0, (C,M), b
/// and c (T,M) → (T,C). Keeps all inputs and the states of every 32nd token in each direction. (selective_scan.cpp)
Tensor selective_scan(const Tensor& u, const Tensor& step, const Tensor& rates, const Tensor& b, const Tensor& c,
                      const SequenceLayout& layout, Direction direction = Direction::forward);

/// A long short-term memory along each sequence, or if `reversed` along the reversed one, whose token comes with the
/// parts of its gates that depend on the token only: i, f, g, o = σ, σ, tanh, σ of gates_t + h_{t−1}·wᵀ, c_t = f ∘
/// c_{t−1} + i ∘ g, h_t = o ∘ tanh(c_t) from c = h = 0. gates (T,4H) in this order, which is PyTorch's; w (4H,H) → h
/// (T,H). Hochreiter, Schmidhuber. Neural Computation 9(8), 1997, with the forget gate of Gers, Schmidhuber, Cummins.
/// Neural Computation 12(10), 2000. All sequences take a step together, as one product. Keeps the gates, the result,
/// and c. (recurrent_cells.cpp)
Tensor lstm(Tensor gates, const Tensor& w, const SequenceLayout& layout, bool reversed = false);
/// A gated recurrent unit, likewise: r, z = σ of gates_t + h_{t−1}·wᵀ, n = tanh(gates_t + r ∘ (h_{t−1}·wᵀ + bias)), h_t
/// = (1 − z) ∘ n + z ∘ h_{t−1}. gates (T,3H) in the order r, z, n; w (3H,H); bias (H) → h (T,H). Cho et al.
/// arXiv:1406.1078, §2.3, in PyTorch's form, which resets after the product. Keeps the gates, the result, and the
/// factors of r. (recurrent_cells.cpp)
Tensor gru(Tensor gates, const Tensor& w, const Tensor& bias, const SequenceLayout& layout, bool reversed = false);
/// The states of a diagonal linear state space along each sequence: x_t = s ∘ x_{t−1} + b_t from x = 0, with the powers
/// s of the rates e^log_steps ∘ matrix by zoh or bilinear. Directions as in gated_scan. matrix (1,2P), log_steps (1,P),
/// b (T,2P) → (T,2P): each row has P real parts, then P imaginary parts. Rates and powers are computed in double, and
/// phases stay exact however long the sequence. Smith, Warrington, Linderman. arXiv:2208.04933, §2.2. Keeps the results
/// of each direction. (state_scan.cpp)
Tensor state_scan(const Tensor& matrix, const Tensor& log_steps, Tensor b, Discretisation method,
                  const SequenceLayout& layout, Direction direction = Direction::forward);
/// The input matrix of the same states, discretised: row p of w times e^log_steps_p · g_p. w (2P,C) → (2P,C), P rows of
/// real parts, then P of imaginary parts. Keeps w. (state_scan.cpp)
Tensor state_inputs(const Tensor& matrix, const Tensor& log_steps, const Tensor& w, Discretisation method);

}  // namespace lra::inline LRA_ENGINE
