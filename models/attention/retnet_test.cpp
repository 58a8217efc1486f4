/// RetNet against the parallel form of retention in double.
#include <gtest/gtest.h>

#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

/// x · σ(x).
double swish(double x) { return x / (1 + std::exp(-x)); }

/// (x − mean) / √(variance + 1e-5), row by row.
Dense normalised(Dense x) {
  for (long i = 0; i < x.rows; ++i) {
    double mean = 0, square = 0;
    for (long c = 0; c < x.cols; ++c) mean += x.at(i, c) / double(x.cols);
    for (long c = 0; c < x.cols; ++c) square += (x.at(i, c) - mean) * (x.at(i, c) - mean);
    for (long c = 0; c < x.cols; ++c) x.at(i, c) = (x.at(i, c) - mean) / std::sqrt(square / double(x.cols) + 1e-5);
  }
  return x;
}

/// Retention of one head as a sum over keys (Sun et al., eq. 5), with the rotation by the distance of query and key:
/// pair c of the features is a complex number, and the score is the real part of Σ_c q_c·conj(k_c)·e^(i(n−m)θ_c).
Dense retention(const Dense& q, const Dense& k, const Dense& v, long head, bool causal) {
  const double decay = 1 - std::pow(2.0, -5.0 - double(head)), width = double(q.cols);
  Dense y(q.rows, v.cols);
  for (long n = 0; n < q.rows; ++n)
    for (long m = 0; m < (causal ? n + 1 : q.rows); ++m) {
      double score = 0;
      for (long c = 0; c < q.cols; c += 2) {
        const double angle = double(n - m) * std::pow(10000.0, -double(c) / width);
        const double same = q.at(n, c) * k.at(m, c) + q.at(n, c + 1) * k.at(m, c + 1);
        const double crossed = q.at(n, c + 1) * k.at(m, c) - q.at(n, c) * k.at(m, c + 1);
        score += same * std::cos(angle) - crossed * std::sin(angle);
      }
      score *= std::pow(decay, double(std::abs(n - m))) / std::sqrt(width);
      for (long d = 0; d < v.cols; ++d) y.at(n, d) += score * v.at(m, d);
    }
  return y;
}

TEST(RetNet, EqualsItsParallelForm) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const long factor : {1L, 2L}) {
        Trial trial("retnet", {{"value_factor", factor}, {"causal", causal}}, lengths);
        trial.fill_zeros();
        trial.expect_rows([&](const Dense& x) {
          const Dense q = project(x, trial.weights("query")), k = project(x, trial.weights("key"));
          const Dense v = project(x, trial.weights("value")), gate = project(x, trial.weights("gate"));
          Dense y = by_heads(kHeads, [&](long h) {
            return normalised(
                retention(of_head(q, h, kHeads), of_head(k, h, kHeads), of_head(v, h, kHeads), h, causal));
          });
          for (long i = 0; i < y.rows; ++i)
            for (long c = 0; c < y.cols; ++c)
              y.at(i, c) = swish(gate.at(i, c)) * (y.at(i, c) * trial.run.parameters.at("norm.gamma")[std::size_t(c)] +
                                                   trial.run.parameters.at("norm.beta")[std::size_t(c)]);
          return project(y, trial.weights("out"));
        });
      }
}

}  // namespace
}  // namespace lra
