/// Performer against dense evaluations of its estimator and of exact attention.
#include <gtest/gtest.h>

#include "models/layers/resampled.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

/// The directions of a mixer built alone, rounded to float32.
Numbers directions(long features, long width, bool orthogonal) {
  Numbers w(std::size_t(features * width));
  (orthogonal ? sample_orthogonal : sample_normal)(Random(1, "features", "directions").at(0, 0), {features, width}, w);
  return rounded(w);
}

/// Σ_m exp(w_m·q' − ‖q'‖²/2) exp(w_m·k' − ‖k'‖²/2), x' = x / D^¼.
Weight estimated(const Numbers& w, long features) {
  return [&w, features](const double* q, const double* k, long width) {
    double sum = 0;
    for (long m = 0; m < features; ++m) {
      double exponent = 0;
      for (long d = 0; d < width; ++d) {
        const double a = q[d] / std::pow(double(width), 0.25), b = k[d] / std::pow(double(width), 0.25);
        exponent += w[std::size_t(m * width + d)] * (a + b) - (a * a + b * b) / 2;
      }
      sum += std::exp(exponent);
    }
    return sum;
  };
}

// Source: the N×N matrix φ(q)·φ(k), normalised by rows, without the factors that cancel.
TEST(Performer, EqualsItsDenseKernelMatrix) {
  for (const auto& lengths : kLengths)
    for (const bool orthogonal : {true, false})
      for (const bool causal : {false, true}) {
        constexpr long kFeatures = 11;
        const Numbers w = directions(kFeatures, 4, orthogonal);
        Trial("performer", {{"features", kFeatures}, {"orthogonal", orthogonal}, {"causal", causal}}, lengths)
            .expect([&](const Dense& q, const Dense& k, const Dense& v) {
              return attend(q, k, v, 3, estimated(w, kFeatures), [&](long i, long j) { return !causal || j <= i; });
            });
      }
}

// Source: dense softmax attention; 64 times the features reduce the error to about an eighth.
TEST(Performer, ApproachesExactAttention) {
  const auto error = [](long features) {
    Trial run("performer", {{"features", features}}, {40});
    Named values = run.run.parameters;
    for (const char* name : {"query", "key"})
      for (double& weight : values.at(name)) weight *= 0.4;  // large queries and keys would need many more features
    run.set(values);
    const Dense x(40, 12, run.x);
    const Dense exact =
        project(attend(project(x, run.weights("query")), project(x, run.weights("key")),
                       project(x, run.weights("value")), 3, softmax_weight, [](long, long) { return true; }),
                run.weights("out"));
    return relative_error(run.run.result, exact.v);
  };
  const double rough = error(64), fine = error(4096);
  EXPECT_LT(fine, 0.06);
  EXPECT_LT(fine, rough / 3);
}

// Source: a single token attends to itself with weight 1.
TEST(Performer, OfOneTokenIsItsValue) {
  Trial run("performer", {{"features", 2}}, {1});
  run.expect([](const Dense&, const Dense&, const Dense& v) { return v; });
}

TEST(Linear, CausalEqualsItsLowerTriangle) {
  const auto feature = [](double x) { return x > 0 ? x + 1 : std::exp(x); };
  for (const auto& lengths : kLengths)
    Trial("linear", {{"causal", true}}, lengths).expect([&](const Dense& q, const Dense& k, const Dense& v) {
      const Weight weight = [&](const double* a, const double* b, long width) {
        double s = 0;
        for (long d = 0; d < width; ++d) s += feature(a[d]) * feature(b[d]);
        return s;
      };
      return attend(
          q, k, v, 3, weight, [](long i, long j) { return j <= i; }, 1e-6);
    });
}

}  // namespace
}  // namespace lra
