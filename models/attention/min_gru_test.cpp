/// minGRU against its recurrence, and against the weighted mean that it stands for, in double.
#include <gtest/gtest.h>

#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double candidate(double x, bool positive) { return !positive ? x : x >= 0 ? x + 0.5 : sigmoid(x); }

/// Feng et al., §3.1, token by token.
Dense recurrence(const Dense& gate, const Dense& raw, bool positive) {
  Dense h(gate.rows, gate.cols);
  for (long t = 0; t < h.rows; ++t)
    for (long c = 0; c < h.cols; ++c) {
      const double z = sigmoid(gate.at(t, c)), before = t > 0 ? h.at(t - 1, c) : 0;
      h.at(t, c) = (1 - z) * before + z * candidate(raw.at(t, c), positive);
    }
  return h;
}

/// Every token's candidate, weighted by its gate and by what the tokens from there to the state keep: the state's own
/// token keeps from earlier and later ones.
Dense both_sides(const Dense& gate, const Dense& raw, bool positive) {
  Dense h(gate.rows, gate.cols);
  for (long t = 0; t < h.rows; ++t)
    for (long c = 0; c < h.cols; ++c) {
      const auto add = [&](long j, double kept) {
        h.at(t, c) += kept * sigmoid(gate.at(j, c)) * candidate(raw.at(j, c), positive);
      };
      add(t, 1);
      double kept = 1;
      for (long j = t - 1; j >= 0; --j) add(j, kept *= 1 - sigmoid(gate.at(j + 1, c)));
      kept = 1;
      for (long j = t + 1; j < h.rows; ++j) add(j, kept *= 1 - sigmoid(gate.at(j - 1, c)));
    }
  return h;
}

TEST(MinGru, EqualsItsRecurrence) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const bool positive : {false, true}) {
        Trial trial("min_gru", {{"positive", positive}, {"causal", causal}}, lengths);
        trial.fill_zeros();
        trial.expect_rows([&](const Dense& x) {
          const Dense gate = DenseLayers{trial}.affine(x, "gate"), raw = DenseLayers{trial}.affine(x, "candidate");
          return project((causal ? recurrence : both_sides)(gate, raw, positive), trial.weights("out"));
        });
      }
}

TEST(MinGru, FloatAgreesWithDouble) {
  for (const bool positive : {false, true}) {
    MixerCase c;
    c.model = "min_gru", c.settings = {{"positive", positive}}, c.lengths = {300, 1, 17};
    c.width = c.qkv = 12, c.heads = 3;
    EXPECT_LT(error_in_float(c), 1e-5) << positive;
  }
}

}  // namespace
}  // namespace lra
