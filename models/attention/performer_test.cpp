/// Performer against dense evaluations of its estimator and of exact attention.
#include <gtest/gtest.h>

#include "core/error.h"
#include "models/layers/resampled.h"
#include "models/testing/contract.h"
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

// Source: the identity that Lemma 1 of the paper ends with, SM(x, y) = e^(−(‖x‖² + ‖y‖²)/2) · E cosh(w·(x + y)).
TEST(Performer, InPairsOfDirectionsEqualsCosh) {
  constexpr long kFeatures = 14;
  const Numbers w = directions(kFeatures / 2, 4, true);
  const Weight weight = [&w](const double* q, const double* k, long width) {
    double sum = 0;
    for (long m = 0; m < kFeatures / 2; ++m) {
      double product = 0, square = 0;
      for (long d = 0; d < width; ++d) {
        const double a = q[d] / std::pow(double(width), 0.25), b = k[d] / std::pow(double(width), 0.25);
        product += w[std::size_t(m * width + d)] * (a + b);
        square += a * a + b * b;
      }
      sum += std::exp(-square / 2) * std::cosh(product);
    }
    return sum;
  };
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      Trial("performer", {{"kernel", "cosh"}, {"features", kFeatures}, {"causal", causal}}, lengths)
          .expect([&](const Dense& q, const Dense& k, const Dense& v) {
            return attend(q, k, v, 3, weight, visible_if(causal));
          });
}

// Source: LRA's generalized features, f(x) + 0.001 of x or of its products with random directions, without a factor.
TEST(Performer, OfAnotherKernelEqualsItsDenseMatrix) {
  for (const auto& lengths : kLengths)
    for (const char* kernel : {"relu", "exp"})
      for (const long features : {0L, 9L})
        for (const bool causal : {false, true}) {
          const Numbers w = directions(features, 4, true);
          const auto feature = [&](const double* x, long m, long width) {
            double product = features == 0 ? x[m] : 0;
            for (long d = 0; features > 0 && d < width; ++d) product += w[std::size_t(m * width + d)] * x[d];
            return (kernel[0] == 'r' ? std::max(0.0, product) : std::exp(product)) + 0.001;
          };
          const Weight weight = [&](const double* q, const double* k, long width) {
            double sum = 0;
            for (long m = 0; m < (features > 0 ? features : width); ++m)
              sum += feature(q, m, width) * feature(k, m, width);
            return sum;
          };
          Trial("performer", {{"kernel", kernel}, {"features", features}, {"causal", causal}}, lengths)
              .expect([&](const Dense& q, const Dense& k, const Dense& v) {
                return attend(q, k, v, 3, weight, visible_if(causal));
              });
        }
}

TEST(Performer, DifferentiatesEveryKernel) {
  for (const char* kernel : {"cosh", "relu", "exp"})
    for (const long features : {0L, 6L})
      for (const bool causal : {false, true}) {
        if (kernel[0] == 'c' && features == 0) continue;
        MixerCase c;
        c.model = "performer", c.settings = {{"kernel", kernel}, {"features", features}, {"causal", causal}};
        c.lengths = {5, 1, 140};
        c.qkv = 16;  // in narrower heads, all features of some tokens are 0.001, and their gradient is mostly rounding
        EXPECT_LT(error_along_directions(c), 1e-6) << c.settings.dump();
        EXPECT_LT(error_in_float(c), 1e-5) << c.settings.dump();
      }
}

TEST(Performer, RefusesSettingsThatDoNotFitEachOther) {
  for (const Json& settings :
       {Json{{"kernel", "gelu"}}, Json{{"features", 0}}, Json{{"kernel", "cosh"}, {"features", 7}}}) {
    MixerCase c;
    c.model = "performer", c.settings = settings, c.lengths = {3};
    EXPECT_THROW((void)f64::make_mixer(c), Error) << settings.dump();
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
