/// What state spaces have in common: initial state matrices, initial time steps, and the name of the discretisation.
#pragma once

#include <string>
#include <vector>

#include "models/layers/parameters.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

/// The positive imaginary parts of the eigenvalues of the normal part of HiPPO-LegS with n states, ascending: a matrix
/// with −½ on the diagonal and ±½·√((2i+1)(2k+1)) above and below it.
std::vector<double> legs_frequencies(long n);
/// Logarithms of time steps, uniform between those of dt_min and dt_max. Throws a usage error that begins with the name
/// of the model if dt_max is smaller.
Init log_uniform_steps(const std::string& model, double dt_min, double dt_max);
/// "zoh" or "bilinear"; otherwise throws a usage error that begins with the name of the model.
Discretisation zoh_or_bilinear(const std::string& model, const std::string& name);

/// HiPPO-LegS is this normal part minus p·pᵀ, p_i = √(i + ½). Returns the components of p along the eigenvectors of
/// legs_frequencies(n), in phases that make them positive. Those of the input vector, √(2i + 1), are √2 times as large.
/// Gu, Goel, Ré. arXiv:2111.00396, §3.1 and appendix C.1.
std::vector<double> legs_low_rank(long n);

}  // namespace lra::inline LRA_ENGINE
