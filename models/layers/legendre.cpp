#include "models/layers/legendre.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace lra::inline LRA_ENGINE {
namespace {

/// A square matrix, row-major.
struct SquareMatrix {
  std::size_t n;
  std::vector<double> values;
  explicit SquareMatrix(std::size_t size) : n(size), values(size * size) {}
  double& at(std::size_t i, std::size_t j) { return values[i * n + j]; }
  double at(std::size_t i, std::size_t j) const { return values[i * n + j]; }
};

SquareMatrix product(const SquareMatrix& a, const SquareMatrix& b) {
  SquareMatrix c(a.n);
  for (std::size_t i = 0; i < a.n; ++i)
    for (std::size_t k = 0; k < a.n; ++k)
      for (std::size_t j = 0; j < a.n; ++j) c.at(i, j) += a.at(i, k) * b.at(k, j);
  return c;
}

/// e^m: the Taylor series of m/2^s, whose norm is at most ½, squared s times.
SquareMatrix exponential_of(SquareMatrix m) {
  double norm = 0;
  for (std::size_t i = 0; i < m.n; ++i) {
    double row = 0;
    for (std::size_t j = 0; j < m.n; ++j) row += std::abs(m.at(i, j));
    norm = std::max(norm, row);
  }
  int squarings = 0;
  for (; norm > 0.5; norm /= 2) ++squarings;
  for (double& value : m.values) value = std::ldexp(value, -squarings);
  constexpr int kTerms = 16;  // ½^16 / 16! is 7e-19
  SquareMatrix sum(m.n);
  for (int term = kTerms; term >= 0; --term) {
    if (term < kTerms) sum = product(sum, m);
    for (double& value : sum.values) value /= term + 1;
    for (std::size_t i = 0; i < m.n; ++i) sum.at(i, i) += 1;
  }
  for (; squarings > 0; --squarings) sum = product(sum, sum);
  return sum;
}

}  // namespace

// The exponential of A and B side by side above a row of zeros is Ā and B̄ above a row of the identity.
std::vector<double> legendre_response(long order, double window, long length) {
  const std::size_t n = std::size_t(order);
  SquareMatrix both(n + 1);
  for (std::size_t i = 0; i < n; ++i) {
    const double factor = double(2 * i + 1) / window;
    for (std::size_t j = 0; j < n; ++j) both.at(i, j) = i < j || (i - j) % 2 == 0 ? -factor : factor;
    both.at(i, n) = i % 2 == 0 ? factor : -factor;
  }
  both = exponential_of(std::move(both));
  std::vector<double> response(std::size_t(length) * n);
  for (std::size_t i = 0; i < n && length > 0; ++i) response[i] = both.at(i, n);
  for (std::size_t t = 1; t < std::size_t(length); ++t)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) response[t * n + i] += both.at(i, j) * response[(t - 1) * n + j];
  return response;
}

}  // namespace lra::inline LRA_ENGINE
