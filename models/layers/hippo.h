/// Initial state matrices of state spaces.
#pragma once

#include <vector>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE {

/// The positive imaginary parts of the eigenvalues of the normal part of HiPPO-LegS with n states, ascending: a matrix
/// with −½ on the diagonal and ±½·√((2i+1)(2k+1)) above and below it.
std::vector<double> legs_frequencies(long n);

}  // namespace lra::inline LRA_ENGINE
