/// State spaces that all features share, evaluated in double by their recurrence: for exactness tests.
#pragma once

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "models/testing/bridge.h"

namespace lra {

/// x_t = powers ∘ x_{t−1} + factors ∘ (B·u_t) for the parameters "in", "out", "out_reversed" and "skip".
struct DenseStates {
  using Complex = std::complex<double>;
  std::vector<Complex> powers, factors;

  /// factor·Re(C·x_t + C'·x'_t) + D∘u_t, where x' are the states of the reversed sequence and absent if `causal`, for
  /// one sequence u with c columns.
  Numbers outputs(const Named& parameters, const Numbers& u, std::size_t c, double factor, bool causal) const {
    Numbers y(u.size());
    for (std::size_t i = 0; i < u.size(); ++i) y[i] = parameters.at("skip")[i % c] * u[i];
    const std::size_t n = u.size() / c, p = powers.size();
    const auto add_direction = [&](const Numbers& out, bool reversed) {
      std::vector<Complex> x(p);
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t t = reversed ? n - 1 - i : i;
        for (std::size_t k = 0; k < p; ++k) {
          x[k] *= powers[k];
          const Numbers& in = parameters.at("in");
          for (std::size_t f = 0; f < c; ++f)
            x[k] += factors[k] * Complex(in[k * c + f], in[(k + p) * c + f]) * u[t * c + f];
          for (std::size_t f = 0; f < c; ++f)
            y[t * c + f] += factor * (Complex(out[f * 2 * p + k], -out[f * 2 * p + p + k]) * x[k]).real();
        }
      }
    };
    add_direction(parameters.at("out"), false);
    if (!causal) add_direction(parameters.at("out_reversed"), true);
    return y;
  }
};

inline Numbers tanh_gelu(Numbers x) {
  for (double& value : x)
    value = 0.5 * value * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (value + 0.044715 * value * value * value)));
  return x;
}

}  // namespace lra
