#include "core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace lra {
namespace {

// Known-answer vectors published with the Random123 library (philox4x32, 10 rounds).
TEST(Philox, KnownAnswers) {
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, EveryPartOfTheKeyMatters) {
  const Random base(1, "dropout", "encoder.0", 3, 4);
  EXPECT_EQ(base.bits(7), Random(1, "dropout", "encoder.0", 3, 4).bits(7));
  for (const Random& other : {Random(2, "dropout", "encoder.0", 3, 4), Random(1, "init", "encoder.0", 3, 4),
                              Random(1, "dropout", "encoder.1", 3, 4), base.at(4, 4), base.at(3, 5)})
    EXPECT_NE(base.bits(7), other.bits(7));
}

// Mean and variance of 100,000 samples lie within five standard errors of the exact moments.
TEST(Random, Moments) {
  const int n = 100000;
  const Random random(7, "test");
  double u = 0, z = 0, zz = 0;
  for (int i = 0; i < n; ++i) {
    u += random.uniform(i);
    z += random.normal(i);
    zz += random.normal(i) * random.normal(i);
  }
  EXPECT_NEAR(u / n, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(z / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(zz / n, 1, 5 * std::sqrt(2.0 / n));
}

TEST(Random, BelowIsUniform) {
  const Random random(9, "test");
  std::vector<int> count(10);
  for (int i = 0; i < 100000; ++i) ++count.at(random.below(10, i));
  double chi = 0;
  for (const int c : count) chi += (c - 10000.0) * (c - 10000.0) / 10000.0;
  EXPECT_LT(chi, 27.9);  // 99.9 % point of chi-squared with 9 degrees of freedom
}

}  // namespace
}  // namespace lra
