/// A gated recurrent unit against its equations, token by token in double.
#include <gtest/gtest.h>

#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

double gru_gate(double x) { return 1 / (1 + std::exp(-x)); }

/// The states of one direction. Source: torch.nn.GRU's documentation; Cho et al. arXiv:1406.1078, eq. 5 to 8, with the
/// reset after the product.
Dense gru_states(const Trial& trial, const Dense& x, const std::string& direction) {
  const Dense gates = DenseLayers{trial}.affine(x, direction + ".input");
  const Dense u = trial.weights(direction + ".recurrent");
  const Numbers& bias = trial.run.parameters.at(direction + ".recurrent_bias");
  const long n = u.cols;
  Dense h(x.rows, n);
  for (long i = 0; i < x.rows; ++i) {
    const bool ahead = direction == "forward", first = i == 0;
    const long t = ahead ? i : x.rows - 1 - i, before = ahead ? t - 1 : t + 1;
    for (long k = 0; k < n; ++k) {
      const auto product = [&](long part) {
        double sum = 0;
        for (long j = 0; j < n && !first; ++j) sum += u.at(part * n + k, j) * h.at(before, j);
        return sum;
      };
      const double r = gru_gate(gates.at(t, k) + product(0)), z = gru_gate(gates.at(t, n + k) + product(1));
      const double candidate = std::tanh(gates.at(t, 2 * n + k) + r * (product(2) + bias[std::size_t(k)]));
      h.at(t, k) = (1 - z) * candidate + (first ? 0 : z * h.at(before, k));
    }
  }
  return h;
}

void expect_gru_equations(const std::vector<long>& lengths, bool causal, long width) {
  Trial trial("gru", {{"causal", causal}}, lengths, width, 1);
  trial.expect_rows([&](const Dense& x) {
    if (causal) return project(gru_states(trial, x, "forward"), trial.weights("out"));
    return project(by_heads(2, [&](long d) { return gru_states(trial, x, d == 0 ? "forward" : "backward"); }),
                   trial.weights("out"));
  });
}

TEST(Gru, EqualsItsEquations) {
  for (const bool causal : {false, true}) {
    for (const auto& lengths : kLengths) expect_gru_equations(lengths, causal, 12);
    expect_gru_equations({3, 70, 70, 1}, causal, 5);
    expect_gru_equations({4099}, causal, 2);
    expect_gru_equations({16384}, causal, 1);
  }
}

}  // namespace
}  // namespace lra
