#include "models/layers/legendre.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "models/ops/ops.h"
#include "models/ops/step_states.h"

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

/// Ā^t·B̄ for t < length, (length,n) row-major.
std::vector<double> response_of(const std::vector<double>& step, std::size_t n, std::size_t length) {
  std::vector<double> response(length * n);
  for (std::size_t i = 0; i < n && length > 0; ++i) response[i] = step[i * (n + 1) + n];
  for (std::size_t t = 1; t < length; ++t)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) response[t * n + i] += step[i * (n + 1) + j] * response[(t - 1) * n + j];
  return response;
}

/// The response in the columns from `begin` to `end`, zeros in the others.
Tensor taps(const std::vector<double>& response, long order, long columns, long begin, long end) {
  const long length = long(response.size()) / order;
  Tensor y = Tensor::zeros({length, columns});
  for (long t = 0; t < length; ++t)
    for (long c = begin; c < end; ++c) y.data()[t * columns + c] = Real(response[std::size_t(t * order + c % order)]);
  return y;
}

}  // namespace

// The exponential of A and B side by side above a row of zeros is Ā and B̄ above a row of the identity.
std::vector<double> legendre_step(long order, double window) {
  const std::size_t n = std::size_t(order);
  SquareMatrix both(n + 1);
  for (std::size_t i = 0; i < n; ++i) {
    const double factor = double(2 * i + 1) / window;
    for (std::size_t j = 0; j < n; ++j) both.at(i, j) = i < j || (i - j) % 2 == 0 ? -factor : factor;
    both.at(i, n) = i % 2 == 0 ? factor : -factor;
  }
  both = exponential_of(std::move(both));
  both.values.resize(n * (n + 1));
  return both.values;
}

LegendreMemories::LegendreMemories(long features, long order, double window, long length, bool causal)
    : order_(order), step_(legendre_step(order, window)) {
  const long half = features * order, columns = (causal ? 1 : 2) * half;
  spread_ = Tensor::zeros({columns, features});
  for (long c = 0; c < columns; ++c) spread_.data()[c * features + c / order % features] = 1;
  const std::vector<double> response = response_of(step_, std::size_t(order), std::size_t(length));
  after_ = taps(response, order, columns, 0, half);
  if (!causal) before_ = taps(response, order, columns, half, columns);
}

Tensor LegendreMemories::operator()(const Tensor& u, const SequenceLayout& layout) const {
  if (stepping()) return next(u, layout);
  return long_convolution(linear(u, spread_), after_, before_, layout);
}

Tensor LegendreMemories::next(const Tensor& u, const SequenceLayout& layout) const {
  expect_steps(!before_.defined(), "a Legendre memory", kSeesLaterTokens);
  const long features = u.dim(1), n = order_;
  Tensor y = Tensor::empty({u.dim(0), features * n});
  for (long s = 0; s < layout.count(); ++s) {
    Tensor carried = carried_state({features, n});
    const Real* before = carried.data();
    for (long t = layout.begin(s); t < layout.begin(s + 1); ++t) {
      for (long i = 0; i < features * n; ++i) {
        const double* row = step_.data() + i % n * (n + 1);
        double sum = row[n] * double(u.data()[t * features + i / n]);
        for (long j = 0; j < n; ++j) sum += row[j] * double(before[i / n * n + j]);
        y.data()[t * features * n + i] = Real(sum);
      }
      before = y.data() + t * features * n;
    }
    std::copy_n(before, carried.size(), carried.data());
  }
  return y;
}

}  // namespace lra::inline LRA_ENGINE
