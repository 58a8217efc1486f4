/// Models with long filters, evaluated in double by their definitions: for exactness tests.
#pragma once

#include <cmath>
#include <functional>
#include <numbers>

#include "models/testing/bridge.h"

namespace lra {

/// The filters of one feature. after[t] belongs to the token t places before, before[t] to the one t + 1 places after
/// it; the latter is empty if no token sees a later one.
struct Taps {
  Numbers after, before;
};

/// y_i = Σ_{j≤i} after[i−j]·u_j + Σ_{j>i} before[j−i−1]·u_j.
inline Numbers convolve(const Numbers& u, const Taps& taps) {
  Numbers y(u.size());
  for (std::size_t i = 0; i < u.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) y[i] += taps.after.at(i - j) * u[j];
    for (std::size_t j = i + 1; j < u.size() && !taps.before.empty(); ++j) y[i] += taps.before.at(j - i - 1) * u[j];
  }
  return y;
}

/// Column `f` of x, row-major with c columns.
inline Numbers column(const Numbers& x, std::size_t c, std::size_t f) {
  Numbers y;
  for (std::size_t at = f; at < x.size(); at += c) y.push_back(x[at]);
  return y;
}

/// x·Wᵀ + b for x with c columns, where W and b are the parameters name.weight and name.bias.
inline Numbers linear_layer(const Named& parameters, const std::string& name, const Numbers& x, std::size_t c) {
  const Numbers &w = parameters.at(name + ".weight"), &b = parameters.at(name + ".bias");
  Numbers y;
  for (std::size_t row = 0; row < x.size(); row += c)
    for (std::size_t o = 0; o < b.size(); ++o) {
      double sum = b[o];
      for (std::size_t i = 0; i < c; ++i) sum += w[o * c + i] * x[row + i];
      y.push_back(sum);
    }
  return y;
}

/// GLU(GELU(z)) with the parameters of "value" and "gate", for z with c columns.
inline Numbers gated_output(const Named& parameters, Numbers z, std::size_t c) {
  for (double& value : z)
    value = 0.5 * value * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (value + 0.044715 * value * value * value)));
  Numbers y = linear_layer(parameters, "value", z, c);
  const Numbers gate = linear_layer(parameters, "gate", z, c);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] /= 1 + std::exp(-gate[i]);
  return y;
}

/// GLU(GELU(filters ∗ x + skip ∘ x)) for one sequence, with a pair of filters per feature. Gu, Goel, Ré.
/// arXiv:2111.00396, §3.4.
inline Numbers gated_convolution(const Named& parameters, const std::vector<Taps>& filters, const Numbers& x) {
  const std::size_t c = filters.size();
  Numbers z(x.size());
  for (std::size_t f = 0; f < c; ++f) {
    const Numbers u = column(x, c, f), y = convolve(u, filters[f]);
    for (std::size_t i = 0; i < u.size(); ++i) z[i * c + f] = y[i] + parameters.at("skip")[f] * u[i];
  }
  return gated_output(parameters, std::move(z), c);
}

/// f of each sequence of a case, one after another.
inline Numbers by_sequence(const MixerCase& c, const Numbers& x, const std::function<Numbers(const Numbers& x)>& f) {
  Numbers all;
  auto at = x.begin();
  for (const long n : c.lengths) {
    const Numbers y = f({at, at + n * c.width});
    all.insert(all.end(), y.begin(), y.end());
    at += n * c.width;
  }
  return all;
}

}  // namespace lra
