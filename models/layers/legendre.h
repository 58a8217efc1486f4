/// The Legendre memory, a linear state space with fixed matrices.
#pragma once

#include <vector>

#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// The step of a Legendre memory, Ā and B̄ side by side, (order,order+1) row-major: m_t = Ā·m_{t−1} + B̄·u_t holds A and
/// B over steps of 1 with a constant input between them. Its states are the coefficients of the last `window` inputs in
/// Legendre polynomials: with i and j from 0, window·B_i = (2i+1)(−1)^i and window·A_ij = (2i+1)·(−1 if i < j, else
/// (−1)^(i−j+1)). Voelker, Kajić, Eliasmith. NeurIPS 2019, eq. 2. Takes O(order³).
std::vector<double> legendre_step(long order, double window);

/// Legendre memories of several features of a token, `order` states each.
class LegendreMemories {
 public:
  /// For sequences of up to `length` tokens. Without `causal` a second memory of each feature holds the later tokens,
  /// read backwards. Takes O(order³ + length·order²).
  LegendreMemories(long features, long order, double window, long length, bool causal);
  /// u (T,features) → the states (T,features·order), as one long convolution with the response to an impulse Ā^t·B̄, or
  /// by their recurrence while a pass continues sequences (models/ops/step_states.h); unless causal
  /// (T,2·features·order), the memories of later tokens last.
  Tensor operator()(const Tensor& u, const SequenceLayout& layout) const;

 private:
  Tensor next(const Tensor& u, const SequenceLayout& layout) const;

  long order_;
  std::vector<double> step_;
  Tensor spread_, after_, before_;
};

}  // namespace lra::inline LRA_ENGINE
