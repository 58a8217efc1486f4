#include "models/layers/resampled.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/autodiff/tape.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

using Sampler = void (*)(const Random&, const Shape&, std::span<double>);

Numbers sampled(Sampler sampler, std::uint32_t number, long m, long d) {
  Numbers values(std::size_t(m * d));
  sampler(Random(3, "features", "test").at(number, 0), {m, d}, values);
  return values;
}

/// The estimate of exp(q·k) by the m rows of w. Source: Choromanski et al. arXiv:2009.14794, lemma 1.
double estimate(const Numbers& w, long m, const Numbers& q, const Numbers& k) {
  double sum = 0;
  const double norms = (dot(q, q) + dot(k, k)) / 2;
  for (long r = 0; r < m; ++r) {
    const Numbers row(w.begin() + r * long(q.size()), w.begin() + (r + 1) * long(q.size()));
    sum += std::exp(dot(row, q) + dot(row, k) - norms);
  }
  return sum / double(m);
}

struct Errors {
  double mean = 0, rms = 0, standard_error = 0;  // relative, of the estimate
};

constexpr double kSquare = 0.8;  // ‖q + k‖²: small, or the tails of the estimate would need millions of samples

/// Errors over samples 0 … count − 1 for one pair of query and key with eight features.
Errors errors(Sampler sampler, long m, long count) {
  Numbers q = random_numbers(8, "query"), k = random_numbers(8, "key");
  const double factor = std::sqrt(kSquare / (dot(q, q) + 2 * dot(q, k) + dot(k, k)));
  for (double& value : q) value *= factor;
  for (double& value : k) value *= factor;
  const double exact = std::exp(dot(q, k));
  Errors e;
  for (long i = 0; i < count; ++i) {
    const double error = estimate(sampled(sampler, std::uint32_t(i), m, 8), m, q, k) / exact - 1;
    e.mean += error / double(count);
    e.rms += error * error / double(count);
  }
  e.rms = std::sqrt(e.rms);
  e.standard_error = e.rms / std::sqrt(double(count));
  return e;
}

// Directions that are not uniform over rotations would have a bias of a few percent.
TEST(Directions, EstimateTheSoftmaxKernelWithoutBias) {
  for (const Sampler sampler : {sample_normal, sample_orthogonal}) {
    const Errors e = errors(sampler, 32, 3000);
    EXPECT_LT(std::abs(e.mean), 4 * e.standard_error);
    EXPECT_LT(e.standard_error, 0.01);
  }
}

// Source: exp(w·(q + k) − (‖q‖² + ‖k‖²)/2) is log-normal, with relative variance exp(‖q + k‖²) − 1, and the mean of M
// has 1/M of that.
TEST(Directions, ErrorOfIndependentOnesFallsAsTheRootOfTheirNumber) {
  for (const long m : {16, 64, 256})
    EXPECT_NEAR(errors(sample_normal, m, 1500).rms / std::sqrt(std::expm1(kSquare) / double(m)), 1, 0.1) << m;
}

// Source: blocks of D are independent of each other, so their mean falls as the root of their number.
TEST(Directions, ErrorOfOrthogonalOnesFallsAsTheRootOfTheirNumber) {
  const double few = errors(sample_orthogonal, 16, 1500).rms;
  EXPECT_NEAR(few / errors(sample_orthogonal, 64, 1500).rms, 2, 0.2);
  EXPECT_NEAR(few / errors(sample_orthogonal, 256, 1500).rms, 4, 0.4);
}

// Source: Choromanski et al., theorem 2: for a whole block of D = 8 the mean square is smaller by at least 2(D −
// 1)/(D(D + 2)) · (1 − exp(−‖q + k‖²/2))², here a tenth of it.
TEST(Directions, OrthogonalOnesHaveLessVariance) {
  const double reduction = 2.0 * 7 / (8 * 10) * std::pow(-std::expm1(-kSquare / 2), 2);
  EXPECT_LT(std::pow(errors(sample_orthogonal, 8, 10000).rms, 2), std::expm1(kSquare) / 8 - reduction / 2);
}

TEST(Directions, AreOrthogonalWithinABlockAndAsLongAsGaussianRows) {
  constexpr long kRows = 20, kWidth = 8;
  double square = 0;
  for (std::uint32_t number = 0; number < 200; ++number) {
    const Numbers w = sampled(sample_orthogonal, number, kRows, kWidth);
    const auto product = [&](long r, long s) {
      double sum = 0;
      for (long c = 0; c < kWidth; ++c) sum += w[std::size_t(r * kWidth + c)] * w[std::size_t(s * kWidth + c)];
      return sum;
    };
    for (long r = 0; r < kRows; ++r) {
      square += product(r, r) / (200 * kRows);
      for (long s = r / kWidth * kWidth; s < r; ++s) EXPECT_NEAR(product(r, s), 0, 1e-12 * product(r, r));
    }
  }
  EXPECT_NEAR(square, kWidth, 0.3);  // the mean of a chi-squared variable of eight degrees; its deviation here is 0.06
}

SequenceLayout at_step(std::uint32_t step) {
  SequenceLayout layout;
  layout.offsets = {0};
  layout.step = step;
  return layout;
}

Numbers values(const Tensor& x) { return Numbers(x.data(), x.data() + x.size()); }

TEST(ResampledConstants, ChangesEverySoManyStepsOfTrainingAndNeverInEvaluation) {
  const ResampledConstants numbers(Random(3, "features", "test"), {4, 3}, 5, sample_normal);
  const Numbers first = values(numbers.at(at_step(0)));
  EXPECT_EQ(values(numbers.at(at_step(7))), first);
  const Training training;
  EXPECT_EQ(values(numbers.at(at_step(4))), first);
  const Numbers second = values(numbers.at(at_step(5)));
  EXPECT_NE(second, first);
  EXPECT_EQ(values(numbers.at(at_step(9))), second);
  EXPECT_EQ(values(numbers.at(at_step(0))), first);  // whatever was sampled in between
  // A resumed run has another object but the same samples.
  EXPECT_EQ(values(ResampledConstants(Random(3, "features", "test"), {4, 3}, 5, sample_normal).at(at_step(7))), second);
}

TEST(ResampledConstants, StaysForEverWithoutRedraw) {
  const ResampledConstants numbers(Random(3, "features", "test"), {4, 3}, 0, sample_normal);
  const Training training;
  EXPECT_EQ(values(numbers.at(at_step(0))), values(numbers.at(at_step(1'000'000))));
}

}  // namespace
}  // namespace lra
