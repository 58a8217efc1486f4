/// The Legendre memory, a linear state space with fixed matrices.
#pragma once

#include <vector>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE {

/// The response of a Legendre memory to an impulse, (length,order) row-major: row t is Ā^t·B̄, where (Ā, B̄) hold A and B
/// over steps of 1 with a constant input between them. Its states are the coefficients of the last `window` inputs in
/// Legendre polynomials: with i and j from 0, window·B_i = (2i+1)(−1)^i and window·A_ij = (2i+1)·(−1 if i < j, else
/// (−1)^(i−j+1)). Voelker, Kajić, Eliasmith. NeurIPS 2019, eq. 2. Takes O(order³ + length·order²).
std::vector<double> legendre_response(long order, double window, long length);

}  // namespace lra::inline LRA_ENGINE
