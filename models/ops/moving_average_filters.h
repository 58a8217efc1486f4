/// Filters of exponential moving averages.
#pragma once

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// The impulse responses of sums of damped moving averages, as `after` or `before` of long_convolution: row t, column c
/// of the result (length,C) is Σ_m weights_cm · (1 − rates_cm)^t. Ma et al. arXiv:2209.10655, §3.1 and appendix A.
/// rates, in [0,1], and weights (C,M). Rates near 0 lose no digits to the subtraction: powers are computed in double,
/// by the recurrence, in O(length·M·C), so that no tap depends on the length; powers below 1e-200 count as zero. Keeps
/// all inputs. (moving_average_filters.cpp)
Tensor moving_average_filters(const Tensor& rates, const Tensor& weights, long length);

}  // namespace lra::inline LRA_ENGINE
