/// Long short-term memory against its equations, token by token in double.
#include <gtest/gtest.h>

#include <cmath>

#include "models/testing/contract.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

double lstm_gate(double x) { return 1 / (1 + std::exp(-x)); }

/// The states of one direction. Source: torch.nn.LSTM's documentation; Gers et al. 2000, eq. 2 to 9, without peepholes.
Dense lstm_states(const Trial& trial, const Dense& x, const std::string& direction) {
  const Dense gates = DenseLayers{trial}.affine(x, direction + ".input");
  const Dense u = trial.weights(direction + ".recurrent");
  const long n = u.cols;
  Dense h(x.rows, n), c(x.rows, n);
  for (long i = 0; i < x.rows; ++i) {
    const bool ahead = direction == "forward", first = i == 0;
    const long t = ahead ? i : x.rows - 1 - i, before = ahead ? t - 1 : t + 1;
    for (long k = 0; k < n; ++k) {
      const auto gate = [&](long part) {
        double sum = gates.at(t, part * n + k);
        for (long j = 0; j < n && !first; ++j) sum += u.at(part * n + k, j) * h.at(before, j);
        return sum;
      };
      c.at(t, k) = (first ? 0 : lstm_gate(gate(1)) * c.at(before, k)) + lstm_gate(gate(0)) * std::tanh(gate(2));
      h.at(t, k) = lstm_gate(gate(3)) * std::tanh(c.at(t, k));
    }
  }
  return h;
}

void expect_lstm_equations(const std::vector<long>& lengths, bool causal, long width) {
  Trial trial("lstm", {{"causal", causal}}, lengths, width, 1);
  trial.expect_rows([&](const Dense& x) {
    if (causal) return project(lstm_states(trial, x, "forward"), trial.weights("out"));
    return project(by_heads(2, [&](long d) { return lstm_states(trial, x, d == 0 ? "forward" : "backward"); }),
                   trial.weights("out"));
  });
}

TEST(Lstm, EqualsItsEquations) {
  for (const bool causal : {false, true}) {
    for (const auto& lengths : kLengths) expect_lstm_equations(lengths, causal, 12);
    expect_lstm_equations({3, 70, 70, 1}, causal, 5);
    expect_lstm_equations({4099}, causal, 2);
    expect_lstm_equations({16384}, causal, 1);
  }
}

}  // namespace
}  // namespace lra
