/// Nyströmformer against its three explicit softmax matrices.
#include <gtest/gtest.h>

#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

/// Means of rows ⌊n·u/m⌋ … ⌊n·(u+1)/m⌋ − 1.
Dense segment_means(const Dense& x, long m) {
  Dense y(m, x.cols);
  for (long u = 0; u < m; ++u) {
    const long begin = x.rows * u / m, end = x.rows * (u + 1) / m;
    for (long i = begin; i < end; ++i)
      for (long c = 0; c < x.cols; ++c) y.at(u, c) += x.at(i, c) / double(end - begin);
  }
  return y;
}

/// factor · I − a.
Dense from_unit(double factor, const Dense& a) {
  Dense y = a;
  for (double& value : y.v) value = -value;
  for (long i = 0; i < a.rows; ++i) y.at(i, i) += factor;
  return y;
}

// Xiong et al., §3: Z ← ¼ Z (13I − AZ (15I − AZ (7I − AZ))), starting at Aᵀ / (‖A‖₁‖A‖∞).
Dense iterated(const Dense& a, long iterations) {
  double rows = 0, columns = 0;
  for (long i = 0; i < a.rows; ++i) {
    double row = 0, column = 0;
    for (long j = 0; j < a.cols; ++j) row += std::abs(a.at(i, j)), column += std::abs(a.at(j, i));
    rows = std::max(rows, row), columns = std::max(columns, column);
  }
  Dense z(a.rows, a.rows);
  for (long i = 0; i < a.rows; ++i)
    for (long j = 0; j < a.rows; ++j) z.at(i, j) = a.at(j, i) / (rows * columns);
  for (long t = 0; t < iterations; ++t) {
    const Dense az = product(a, z);
    z = product(z, from_unit(13, product(az, from_unit(15, product(az, from_unit(7, az))))));
    for (double& value : z.v) value /= 4;
  }
  return z;
}

/// The inverse of a by elimination.
Dense inverse(Dense a) {
  const long n = a.rows;
  Dense y(n, n);
  for (long i = 0; i < n; ++i) y.at(i, i) = 1;
  for (long c = 0; c < n; ++c) {
    long pivot = c;
    for (long r = c; r < n; ++r)
      if (std::abs(a.at(r, c)) > std::abs(a.at(pivot, c))) pivot = r;
    for (long j = 0; j < n; ++j) std::swap(a.at(c, j), a.at(pivot, j)), std::swap(y.at(c, j), y.at(pivot, j));
    const double by = a.at(c, c);
    for (long j = 0; j < n; ++j) a.at(c, j) /= by, y.at(c, j) /= by;
    for (long r = 0; r < n; ++r) {
      const double factor = r == c ? 0 : a.at(r, c);
      for (long j = 0; j < n; ++j) a.at(r, j) -= factor * a.at(c, j), y.at(r, j) -= factor * y.at(c, j);
    }
  }
  return y;
}

using Inverse = std::function<Dense(const Dense&)>;

/// One head by the definition, for any number of landmarks; exact if each token is a landmark.
Dense rebuilt(const Dense& q, const Dense& k, const Dense& v, long m, const Inverse& invert) {
  if (m >= q.rows) return product(probabilities(q, k), v);
  const Dense landmark_q = segment_means(q, m), landmark_k = segment_means(k, m);
  return product(probabilities(q, landmark_k),
                 product(invert(probabilities(landmark_q, landmark_k)), product(probabilities(landmark_q, k), v)));
}

void expect_rebuilt(const Trial& trial, long m, const Inverse& invert) {
  trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
    return by_heads(kHeads, [&](long h) {
      return rebuilt(of_head(q, h, kHeads), of_head(k, h, kHeads), of_head(v, h, kHeads), m, invert);
    });
  });
}

TEST(Nystromformer, EqualsItsMatricesWrittenOut) {
  for (const auto& lengths : kLengths)
    for (const long m : {1L, 4L, 7L, 64L, 1000L})
      for (const long iterations : {0L, 6L})
        expect_rebuilt(Trial("nystromformer", {{"landmarks", m}, {"iterations", iterations}, {"conv", 0}}, lengths), m,
                       [&](const Dense& a) { return iterated(a, iterations); });
}

// Source: the inverse by elimination; few landmarks, so that it is well conditioned.
TEST(Nystromformer, ComesToTheInverseStepByStep) {
  const auto error = [](long iterations) {
    const Trial trial("nystromformer", {{"landmarks", 4}, {"iterations", iterations}, {"conv", 0}}, {18});
    const Dense x(18, 12, trial.x);
    const auto part = [&](const char* name, long h) { return of_head(project(x, trial.weights(name)), h, kHeads); };
    const Dense exact = project(
        by_heads(kHeads,
                 [&](long h) { return rebuilt(part("query", h), part("key", h), part("value", h), 4, inverse); }),
        trial.weights("out"));
    return relative_error(trial.run.result, exact.v);
  };
  const double few = error(3), usual = error(6), many = error(30);
  EXPECT_LT(usual, few);
  EXPECT_LT(many, usual);
  EXPECT_LT(many, 1e-9);
}

// Source: softmax attention. Xiong et al., §3: the approximation is exact if tokens are equal within each segment.
TEST(Nystromformer, OfTokensThatAgreeWithinSegmentsIsTheTransformer) {
  constexpr long kN = 20, kSegment = 5;
  Trial trial("nystromformer", {{"landmarks", kN / kSegment}, {"iterations", 40}, {"conv", 0}}, {kN});
  for (long i = 0; i < kN; ++i)
    for (long c = 0; c < 12; ++c)
      trial.x[std::size_t(i * 12 + c)] = trial.x[std::size_t(i / kSegment * kSegment * 12 + c)];
  trial.set(Named(trial.run.parameters));
  trial.expect([](const Dense& q, const Dense& k, const Dense& v) {
    return attend(q, k, v, kHeads, softmax_weight, [](long, long) { return true; });
  });
}

TEST(Nystromformer, WithALandmarkForEveryTokenIsTheTransformer) {
  for (const auto& lengths : kLengths)
    Trial("nystromformer", {{"landmarks", 300}, {"conv", 0}}, lengths)
        .expect([](const Dense& q, const Dense& k, const Dense& v) {
          return attend(q, k, v, kHeads, softmax_weight, [](long, long) { return true; });
        });
}

// Source: the sum over taps, with zero padding.
TEST(Nystromformer, AddsAConvolutionOfValues) {
  for (const auto& lengths : kLengths)
    for (const long taps : {1L, 5L, 35L}) {
      const Trial trial("nystromformer", {{"landmarks", 300}, {"conv", taps}}, lengths);
      const Dense w = trial.weights("filters");
      trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
        Dense y = attend(q, k, v, kHeads, softmax_weight, [](long, long) { return true; });
        for (long i = 0; i < v.rows; ++i)
          for (long t = 0; t < taps; ++t)
            for (long c = 0; c < v.cols; ++c) {
              const long from = i + t - taps / 2;
              if (from >= 0 && from < v.rows) y.at(i, c) += w.at(c / (v.cols / kHeads), t) * v.at(from, c);
            }
        return y;
      });
    }
}

}  // namespace
}  // namespace lra
