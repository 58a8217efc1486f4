/// LMUFormer's mixer against its recurrence, token by token in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

/// The matrices of a Legendre memory at steps of 1. Source: Voelker et al. NeurIPS 2019, eq. 2; the exponential is its
/// power series, and B̄ = Σ_k A^k/(k+1)!·B.
struct LegendreMemory {
  Dense a, b;

  LegendreMemory(long order, double theta) : a(order, order), b(order, 1) {
    Dense rate(order, order), power(order, order), column(order, 1);
    for (long i = 0; i < order; ++i) {
      const double scale = double(2 * i + 1) / theta;
      for (long j = 0; j < order; ++j) rate.at(i, j) = scale * (i < j ? -1 : std::pow(-1, double(i - j + 1)));
      column.at(i, 0) = scale * std::pow(-1, double(i));
      power.at(i, i) = 1;
    }
    for (int k = 0; k < 200; ++k) {
      const Dense term = product(power, column);
      for (std::size_t e = 0; e < a.v.size(); ++e) a.v[e] += power.v[e];
      for (std::size_t e = 0; e < b.v.size(); ++e) b.v[e] += term.v[e] / (k + 1);
      power = product(power, rate);
      for (double& value : power.v) value /= k + 1;
    }
  }
};

/// The memories (n,order) of one feature u of each token; of the tokens after it if `later`.
Dense legendre_memories(const LegendreMemory& memory, const Numbers& u, bool later) {
  const long n = long(u.size()), order = memory.a.rows;
  Dense all(n, order), m(order, 1);
  for (long i = 0; i < n; ++i) {
    const long t = later ? n - 1 - i : i;
    const auto keep = [&] { std::copy(m.v.begin(), m.v.end(), all.v.begin() + t * order); };
    if (later) keep();  // without its own token
    m = product(memory.a, m);
    for (long k = 0; k < order; ++k) m.at(k, 0) += memory.b.at(k, 0) * u[std::size_t(t)];
    if (!later) keep();
  }
  return all;
}

Dense positive_part(Dense x) {
  for (double& value : x.v) value = std::max(value, 0.0);
  return x;
}

void expect_recurrence(const std::vector<long>& lengths, const Json& settings, long order, double theta, long width) {
  Trial trial("lmuformer", settings, lengths, width, 1);
  trial.fill_zeros();
  const LegendreMemory memory(order, theta > 0 ? theta : double(*std::max_element(lengths.begin(), lengths.end())));
  trial.expect_rows([&](const Dense& x) {
    const DenseLayers layers{trial};
    const Dense u = positive_part(layers.affine(x, "remembered"));
    const long parts = trial.weights("memory").cols / order;  // features, and again for later tokens
    const Dense m = by_heads(parts, [&](long part) {
      return legendre_memories(memory, of_head(u, part % u.cols, u.cols).v, part >= u.cols);
    });
    const Dense inner = DenseLayers::sum(layers.affine(x, "own"), project(m, trial.weights("memory")));
    return layers.affine(positive_part(inner), "out");
  });
}

TEST(Lmuformer, EqualsItsRecurrence) {
  for (const bool causal : {false, true}) {
    for (const auto& lengths : kLengths) {
      expect_recurrence(lengths, {{"causal", causal}, {"theta", 40}}, 12, 40, 12);
      expect_recurrence(lengths, {{"causal", causal}, {"order", 5}, {"channels", 3}, {"theta", 7}}, 5, 7, 6);
    }
    expect_recurrence({64, 9}, {{"causal", causal}}, 6, 0, 6);
    expect_recurrence({4099}, {{"causal", causal}, {"order", 8}}, 8, 0, 2);
  }
}

// A memory's states are the coefficients of its window: a constant input that fills it is the first polynomial alone.
TEST(Lmuformer, AMemoryOfAConstantIsTheConstant) {
  const LegendreMemory memory(6, 50);
  const Dense m = legendre_memories(memory, Numbers(400, 1.0), false);
  EXPECT_NEAR(m.at(399, 0), 1, 1e-6);
  for (long k = 1; k < 6; ++k) EXPECT_NEAR(m.at(399, k), 0, 1e-6);
}

TEST(Lmuformer, FloatAgreesWithDouble) {
  for (const bool causal : {false, true}) {
    MixerCase c;
    c.model = "lmuformer", c.settings = {{"causal", causal}}, c.lengths = {1030, 1, 17};
    c.width = c.qkv = 12;
    EXPECT_LT(error_in_float(c), 1e-5) << causal;
  }
}

}  // namespace
}  // namespace lra
