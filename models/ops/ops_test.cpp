/// Every op against central differences in double, and the shipped float kernels against double.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <tuple>

#include "models/tensor/onednn.h"
#include "models/testing/bridge.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

class EveryOp : public testing::TestWithParam<OpCase> {
 protected:
  std::vector<Numbers> inputs() const {
    std::vector<Numbers> all;
    for (std::size_t i = 0; i < GetParam().inputs.size(); ++i) {
      std::size_t n = 1;
      for (const long d : GetParam().inputs[i]) n *= std::size_t(d);
      all.push_back(rounded(draws(n, GetParam().name + std::to_string(i), GetParam().positive)));
    }
    return all;
  }
  Numbers cotangent(std::size_t n) const { return rounded(draws(n, GetParam().name + "dy")); }
};

// Source of the expected numbers: (f(x + h) − f(x − h)) / 2h of the op's own forward pass in double, h = 1e-5.
TEST_P(EveryOp, BackwardEqualsCentralDifferences) {
  constexpr double kStep = 1e-5;
  std::vector<Numbers> x = inputs();
  const Numbers dy = cotangent(f64::run_op(GetParam().name, x, {}).result.size());
  const OpRun run = f64::run_op(GetParam().name, x, dy);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t stride = std::max<std::size_t>(1, x[i].size() / 40);  // up to 40 elements an input
    Numbers expected, actual;
    for (std::size_t e = 0; e < x[i].size(); e += stride) {
      const double value = x[i][e];
      x[i][e] = value + kStep;
      const double above = dot(f64::run_op(GetParam().name, x, {}).result, dy);
      x[i][e] = value - kStep;
      const double below = dot(f64::run_op(GetParam().name, x, {}).result, dy);
      x[i][e] = value;
      expected.push_back((above - below) / (2 * kStep));
      actual.push_back(run.gradients.at(i).at(e));
    }
    EXPECT_LT(relative_error(actual, expected), 1e-6) << "input " << i;
    // And the check bites: a gradient that is a thousandth too large would not pass, unless it is zero.
    if (dot(expected, expected) < 1e-12) continue;
    for (double& value : actual) value *= 1.001;
    EXPECT_GT(relative_error(actual, expected), 1e-4) << "input " << i;
  }
}

// Source: the same op in double over plain loops.
TEST_P(EveryOp, FloatAgreesWithDouble) {
  const Worker worker;
  const std::vector<Numbers> x = inputs();
  const Numbers dy = cotangent(f64::run_op(GetParam().name, x, {}).result.size());
  const OpRun exact = f64::run_op(GetParam().name, x, dy), shipped = f32::run_op(GetParam().name, x, dy);
  EXPECT_LT(relative_error(shipped.result, exact.result), 1e-5);
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_LT(relative_error(shipped.gradients.at(i), exact.gradients.at(i)), 1e-5) << "input " << i;
}

INSTANTIATE_TEST_SUITE_P(All, EveryOp, testing::ValuesIn(f64::op_cases()), [](const auto& instance) {
  std::string name = instance.param.name;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

// Source: the ops that it joins; masks among them, whose numbers know nothing of tiles.
TEST(FeedForward, EqualsItsParts) {
  std::vector<Numbers> x;
  for (const long n : {530 * 5, 15 * 5, 15, 5 * 15, 5, 5, 5})
    x.push_back(draws(std::size_t(n), "feed" + std::to_string(x.size())));
  const Numbers dy = draws(530 * 5, "dy");
  const OpRun joined = f64::run_op("feed_forward, norm, residual, dropout, several tiles", x, dy);
  const OpRun parts = f64::run_op("feed_forward by its parts", x, dy);
  EXPECT_LT(relative_error(joined.result, parts.result), 1e-14);
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_LT(relative_error(joined.gradients.at(i), parts.gradients.at(i)), 1e-12) << "input " << i;
}

// The mask is the same function of the stream in both ops: results agree to rounding although one holds the
// probabilities.
TEST(Attention, TiledEqualsMaterializedUnderDropout) {
  const Worker worker;
  const std::vector<Numbers> x = {rounded(draws(15 * 6, "q")), rounded(draws(15 * 6, "k")),
                                  rounded(draws(15 * 6, "v"))};
  const Numbers dy = rounded(draws(15 * 6, "dy"));
  const OpRun tiled = f64::run_op("attention, ragged, dropout", x, dy),
              textbook = f64::run_op("materialized attention", x, dy);
  EXPECT_LT(relative_error(tiled.result, textbook.result), 1e-12);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_LT(relative_error(tiled.gradients[i], textbook.gradients[i]), 1e-12);
}

// However the pairs are cut into parts, each counts once.
TEST(Attention, PartsAddUpToTheWhole) {
  const Worker worker;
  for (const auto& [pieces, whole, n, width] :
       {std::tuple{"sparse attention, everything in pieces", "attention, ragged", 15L, 6L},
        {"sparse attention, several tiles in pieces", "attention, several tiles", 300L, 8L}}) {
    std::vector<Numbers> x;
    for (const char* name : {"q", "k", "v"}) x.push_back(rounded(draws(std::size_t(n * width), name)));
    const Numbers dy = rounded(draws(std::size_t(n * width), "dy"));
    const OpRun parts = f64::run_op(pieces, x, dy), one = f64::run_op(whole, x, dy);
    EXPECT_LT(relative_error(parts.result, one.result), 1e-12) << pieces;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_LT(relative_error(parts.gradients[i], one.gradients[i]), 1e-12);
    EXPECT_LT(relative_error(f32::run_op(pieces, x, dy).result, one.result), 1e-6) << pieces;
  }
}

// Uniform probabilities over values that are the unit matrix show which pairs are kept. Expected: a share of 3/4 of the
// pairs that "columns" of step 7 shows, as independent from query to query as draws are: two masks agree in
// (3/4)² + (1/4)² of what both see. Bounds of 5 standard deviations of binomial counts.
TEST(Attention, PairsOfAPatternDropIndependently) {
  constexpr long kN = 120;
  std::vector<Numbers> x(3, Numbers(kN * kN));
  for (std::size_t i = 0; i < kN; ++i) x[2][i * kN + i] = 1;
  const Numbers y = f64::run_op("sparse attention, mask", x, {}).result;
  const auto seen = [](long i, long j) { return (i - j <= 6 && j - i <= 1) || (i - j) % 7 == 0; };
  const auto within = [](long hits, long of, double share) {
    return std::abs(double(hits) - share * double(of)) < 5 * std::sqrt(share * (1 - share) * double(of));
  };
  long pairs = 0, kept = 0;
  std::map<long, std::pair<long, long>> agreement;  // by distance of queries: both see, and agree
  for (long i = 0; i < kN; ++i)
    for (long j = 0; j < kN; ++j) {
      const bool keeps = y[std::size_t(i * kN + j)] != 0;
      if (!seen(i, j)) {
        ASSERT_FALSE(keeps) << i << " " << j;
        continue;
      }
      ++pairs, kept += keeps;
      for (long other = 0; other < i; ++other)
        if (seen(other, j)) {
          auto& [both, equal] = agreement[i - other];
          ++both, equal += keeps == (y[std::size_t(other * kN + j)] != 0);
        }
    }
  EXPECT_TRUE(within(kept, pairs, 0.75)) << kept << " of " << pairs;
  for (const auto& [distance, count] : agreement)
    EXPECT_TRUE(within(count.second, count.first, 0.625)) << "queries " << distance << " apart";
}

// Source: the definition of a doubly stochastic matrix.
TEST(Sinkhorn, BalancesRowsAndColumns) {
  const Numbers y = f64::run_op("sinkhorn, balanced", {draws(19 * 19, "scores")}, {}).result;
  for (std::size_t u = 0; u < 19; ++u) {
    double row = 0, column = 0;
    for (std::size_t v = 0; v < 19; ++v) {
      EXPECT_GE(y[u * 19 + v], 0);
      row += y[u * 19 + v];
      column += y[v * 19 + u];
    }
    EXPECT_NEAR(row, 1, 1e-10);
    EXPECT_NEAR(column, 1, 1e-10);
  }
}

}  // namespace
}  // namespace lra
