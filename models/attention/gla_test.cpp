/// Gated linear attention against its recurrence, and against the sum over keys that it stands for, in double.
#include <gtest/gtest.h>

#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// α (N, features of keys): Yang et al., §4.4.
Dense decays(const Trial& trial, const Dense& x, double temperature) {
  Dense alpha = project(project(x, trial.weights("decay_in")), trial.weights("decay.weight"));
  for (long i = 0; i < alpha.rows; ++i)
    for (long c = 0; c < alpha.cols; ++c)
      alpha.at(i, c) =
          std::pow(sigmoid(alpha.at(i, c) + trial.run.parameters.at("decay.bias")[std::size_t(c)]), 1 / temperature);
  return alpha;
}

/// S_t = diag(α_t)·S_{t−1} + k_t·v_tᵀ, o_t = S_tᵀ·q_t / √d_k (eq. 3).
Dense recurrence(const Dense& q, const Dense& k, const Dense& v, const Dense& alpha) {
  Dense state(q.cols, v.cols), o(q.rows, v.cols);
  for (long t = 0; t < q.rows; ++t)
    for (long f = 0; f < q.cols; ++f)
      for (long d = 0; d < v.cols; ++d) {
        state.at(f, d) = alpha.at(t, f) * state.at(f, d) + k.at(t, f) * v.at(t, d);
        o.at(t, d) += state.at(f, d) * q.at(t, f) / std::sqrt(double(q.cols));
      }
  return o;
}

/// Every key, decayed by each token between it and the query: by the query's own decay if the key is earlier, and by
/// the query's own again if it is later, as on the reversed sequence.
Dense both_sides(const Dense& q, const Dense& k, const Dense& v, const Dense& alpha) {
  Dense o(q.rows, v.cols);
  const auto add = [&](long i, long j, const Numbers& left) {
    for (long f = 0; f < q.cols; ++f)
      for (long d = 0; d < v.cols; ++d)
        o.at(i, d) += q.at(i, f) * k.at(j, f) * left[std::size_t(f)] * v.at(j, d) / std::sqrt(double(q.cols));
  };
  for (long i = 0; i < q.rows; ++i) {
    Numbers left(std::size_t(q.cols), 1);
    const auto decay = [&](long t) {
      for (long f = 0; f < q.cols; ++f) left[std::size_t(f)] *= alpha.at(t, f);
    };
    add(i, i, left);
    for (long j = i - 1; j >= 0; --j) decay(j + 1), add(i, j, left);
    left.assign(left.size(), 1);
    for (long j = i + 1; j < q.rows; ++j) decay(j - 1), add(i, j, left);
  }
  return o;
}

/// The norm per head, the gate and the output projection.
Dense gated(const Trial& trial, const Dense& x, Dense o) {
  const Dense gate = project(x, trial.weights("gate"));
  const long width = o.cols / kHeads;
  const Numbers& gamma = trial.run.parameters.at("norm.gamma");
  for (long i = 0; i < o.rows; ++i)
    for (long h = 0; h < kHeads; ++h) {
      double square = 0;
      for (long d = 0; d < width; ++d) square += o.at(i, h * width + d) * o.at(i, h * width + d) / double(width);
      for (long c = h * width; c < (h + 1) * width; ++c)
        o.at(i, c) *= gamma[std::size_t(c % width)] / std::sqrt(square + 1e-5) * gate.at(i, c) * sigmoid(gate.at(i, c));
    }
  return project(o, trial.weights("out"));
}

TEST(Gla, EqualsItsRecurrence) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const double temperature : {0.25, 16.0}) {
        Trial trial("gla", {{"temperature", temperature}, {"causal", causal}}, lengths);
        trial.fill_zeros();
        trial.expect_rows([&](const Dense& x) {
          const Dense q = project(x, trial.weights("query")), k = project(x, trial.weights("key"));
          const Dense v = project(x, trial.weights("value")), alpha = decays(trial, x, temperature);
          return gated(trial, x, by_heads(kHeads, [&](long h) {
                         return (causal ? recurrence : both_sides)(of_head(q, h, kHeads), of_head(k, h, kHeads),
                                                                   of_head(v, h, kHeads), of_head(alpha, h, kHeads));
                       }));
        });
      }
}

}  // namespace
}  // namespace lra
