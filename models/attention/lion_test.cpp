/// LION against its attention matrix in double, and its attention matrix against its recurrence.
#include <gtest/gtest.h>

#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// (silu(x) + ½) / ‖silu(x) + ½‖ of one head.
Dense features(Dense x) {
  for (long i = 0; i < x.rows; ++i) {
    double square = 0;
    for (long c = 0; c < x.cols; ++c) {
      x.at(i, c) = x.at(i, c) * sigmoid(x.at(i, c)) + 0.5;
      square += x.at(i, c) * x.at(i, c);
    }
    for (long c = 0; c < x.cols; ++c) x.at(i, c) /= std::sqrt(square);
  }
  return x;
}

/// λ of each token and head (N,H).
Dense decays(const Trial& trial, const Dense& x, const std::string& kind) {
  Dense y(x.rows, kHeads);
  for (long i = 0; i < x.rows; ++i)
    for (long h = 0; h < kHeads; ++h) {
      y.at(i, h) = 1;
      if (kind == "constant") y.at(i, h) = sigmoid(trial.run.parameters.at("decay")[std::size_t(h)]);
      if (kind != "selective") continue;
      double sum = trial.run.parameters.at("decay_bias")[std::size_t(h)];
      for (long c = 0; c < x.cols; ++c) sum += x.at(i, c) * trial.weights("decay").at(h, c);
      y.at(i, h) = sigmoid(sum);
    }
  return y;
}

/// The recurrence of the paper in either direction: S ← λ_i S + k_i v_iᵀ, z ← λ_i z + k_i, with half of the query's own
/// key taken from both directions' sums; all of it counts if there is one direction.
Dense recurrence(const Dense& q, const Dense& k, const Dense& v, const Dense& decay, long head, bool causal) {
  Dense sums(q.rows, v.cols), totals(q.rows, 1);
  const auto pass = [&](bool reversed) {
    Dense state(q.cols, v.cols), norm(q.cols, 1);
    for (long step = 0; step < q.rows; ++step) {
      const long i = reversed ? q.rows - 1 - step : step;
      for (long f = 0; f < q.cols; ++f) {
        norm.at(f, 0) = decay.at(i, head) * norm.at(f, 0) + k.at(i, f);
        totals.at(i, 0) += q.at(i, f) * (norm.at(f, 0) - (causal ? 0 : k.at(i, f) / 2));
        for (long d = 0; d < v.cols; ++d) {
          state.at(f, d) = decay.at(i, head) * state.at(f, d) + k.at(i, f) * v.at(i, d);
          sums.at(i, d) += q.at(i, f) * (state.at(f, d) - (causal ? 0 : k.at(i, f) * v.at(i, d) / 2));
        }
      }
    }
  };
  pass(false);
  if (!causal) pass(true);
  const double epsilon = 1e-6 * std::sqrt(double(q.cols));
  for (long i = 0; i < q.rows; ++i)
    for (long d = 0; d < v.cols; ++d) sums.at(i, d) /= totals.at(i, 0) + epsilon;
  return sums;
}

TEST(Lion, EqualsItsRecurrence) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const std::string kind : {"none", "constant", "selective"}) {
        Trial trial("lion", {{"decay", kind}, {"causal", causal}}, lengths);
        trial.fill_zeros();
        trial.expect_rows([&](const Dense& x) {
          const Dense q = project(x, trial.weights("query")), k = project(x, trial.weights("key"));
          const Dense v = project(x, trial.weights("value")), decay = decays(trial, x, kind);
          return project(by_heads(kHeads,
                                  [&](long h) {
                                    return recurrence(features(of_head(q, h, kHeads)), features(of_head(k, h, kHeads)),
                                                      of_head(v, h, kHeads), decay, h, causal);
                                  }),
                         trial.weights("out"));
        });
      }
}

// Full attention with the elements of Σ_j M_ij φ(q_i)·φ(k_j) in one matrix: keys that do not decay are averaged by
// their features alone.
TEST(Lion, WithoutDecayIsKernelAttention) {
  Trial trial("lion", {{"decay", "none"}}, {5, 1, 9});
  trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
    return by_heads(kHeads, [&](long h) {
      return attend(
          features(of_head(q, h, kHeads)), features(of_head(k, h, kHeads)), of_head(v, h, kHeads), 1,
          [](const double* a, const double* b, long width) {
            double sum = 0;
            for (long c = 0; c < width; ++c) sum += a[c] * b[c];
            return sum;
          },
          visible_if(false), 1e-6 * std::sqrt(double(q.cols / kHeads)));
    });
  });
}

// The contract has the default decay only.
TEST(Lion, GradientsAndFloatWithOtherDecays) {
  for (const std::string kind : {"none", "constant", "selective"}) {
    MixerCase c;
    c.model = "lion", c.settings = {{"decay", kind}}, c.lengths = {130, 1, 17};
    c.width = 12, c.qkv = 24, c.heads = 3;
    EXPECT_LT(error_along_directions(c), 1e-6) << kind;
    EXPECT_LT(error_in_float(c), 1e-5) << kind;
  }
}

TEST(Lion, RefusesAnotherDecay) { EXPECT_THROW(Trial("lion", {{"decay", "some"}}, {3}), Error); }

}  // namespace
}  // namespace lra
