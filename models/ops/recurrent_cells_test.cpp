/// Recurrent cells against the loops that define them, token by token in double.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "models/ops/ops.h"
#include "models/ops/recurrences.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/bridge.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// The weights of a cell: w (G·H,H) for G gates, and for a gated recurrent unit the bias (H).
struct Weights {
  std::size_t states;
  Numbers w, bias;

  /// w·h for one row of w.
  double product(std::size_t row, const Numbers& h) const {
    double sum = 0;
    for (std::size_t k = 0; k < states; ++k) sum += w[row * states + k] * h[k];
    return sum;
  }
};

/// One step from states h and c: `gates` points at a token's row.
void lstm_step(const Weights& weights, const double* gates, Numbers& h, Numbers& c) {
  const std::size_t n = weights.states;
  const Numbers before = h;
  for (std::size_t k = 0; k < n; ++k) {
    const auto gate = [&](std::size_t part) { return gates[part * n + k] + weights.product(part * n + k, before); };
    c[k] = logistic(gate(1)) * c[k] + logistic(gate(0)) * std::tanh(gate(2));
    h[k] = logistic(gate(3)) * std::tanh(c[k]);
  }
}

void gru_step(const Weights& weights, const double* gates, Numbers& h, Numbers&) {
  const std::size_t n = weights.states;
  const Numbers before = h;
  for (std::size_t k = 0; k < n; ++k) {
    const auto product = [&](std::size_t part) { return weights.product(part * n + k, before); };
    const double r = logistic(gates[k] + product(0)), z = logistic(gates[n + k] + product(1));
    h[k] = (1 - z) * std::tanh(gates[2 * n + k] + r * (product(2) + weights.bias[k])) + z * before[k];
  }
}

struct Cell {
  std::string name;
  std::size_t gates;
  void (*step)(const Weights& weights, const double* gates, Numbers& h, Numbers& c);
  Tensor (*run)(const Tensor& gates, const Tensor& w, const Tensor& bias, const SequenceLayout& layout, bool reversed);
};

const std::vector<Cell> kCells = {
    {"lstm", 4, lstm_step,
     [](const Tensor& gates, const Tensor& w, const Tensor&, const SequenceLayout& layout, bool reversed) {
       return lstm(gates, w, layout, reversed);
     }},
    {"gru", 3, gru_step,
     [](const Tensor& gates, const Tensor& w, const Tensor& bias, const SequenceLayout& layout, bool reversed) {
       return gru(gates, w, bias, layout, reversed);
     }}};

Numbers evaluated(const Cell& cell, const Weights& weights, const Numbers& gates, const std::vector<long>& offsets,
                  bool reversed) {
  Numbers y;
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    Numbers h(weights.states), c(weights.states);
    Numbers states(std::size_t(offsets[s + 1] - offsets[s]) * weights.states);
    for (long i = 0; i < offsets[s + 1] - offsets[s]; ++i) {
      const long t = reversed ? offsets[s + 1] - 1 - i : offsets[s] + i;
      cell.step(weights, &gates[std::size_t(t) * cell.gates * weights.states], h, c);
      std::copy(h.begin(), h.end(), states.begin() + (t - offsets[s]) * long(weights.states));
    }
    y.insert(y.end(), states.begin(), states.end());
  }
  return y;
}

/// 40 sequences of 1 to 7 tokens.
std::vector<long> many() {
  std::vector<long> offsets = {0};
  for (long s = 0; s < 40; ++s) offsets.push_back(offsets.back() + 1 + s * 5 % 7);
  return offsets;
}

// In double; the derivatives of these cases are among those that EveryOp checks.
TEST(RecurrentCells, EqualTheirDefinitions) {
  constexpr std::size_t n = 3;
  for (const Cell& cell : kCells)
    for (const auto& [tokens, offsets] : std::vector<std::pair<std::string, std::vector<long>>>{
             {"ragged", {0, 5, 6, 15}}, {"1", {0, 1}}, {"65", {0, 65}}, {"many", many()}})
      for (const bool reversed : {false, true}) {
        const Numbers gates = random_numbers(std::size_t(offsets.back()) * cell.gates * n, "gates");
        const Weights weights{n, random_numbers(cell.gates * n * n, "w"), random_numbers(n, "bias")};
        std::vector<Numbers> inputs = {gates, weights.w};
        if (cell.name == "gru") inputs.push_back(weights.bias);
        const std::string name = cell.name + ", " + tokens + (reversed ? ", reversed" : "");
        EXPECT_LT(
            relative_error(f64::run_op(name, inputs, {}).result, evaluated(cell, weights, gates, offsets, reversed)),
            1e-12)
            << name;
      }
}

Tensor tensor_of(const Numbers& x, const Shape& shape) {
  Tensor y = Tensor::empty(shape);
  std::copy(x.begin(), x.end(), y.data());
  return y;
}

SequenceLayout layout_of(const std::vector<long>& offsets) {
  SequenceLayout layout;
  layout.offsets = offsets, layout.sequences.resize(offsets.size() - 1), layout.length = offsets.back();
  return layout;
}

/// Weights of h states, uniform in ±1/√h as PyTorch's initial ones, and gates.
struct Draw {
  Numbers gates;
  Weights weights;
  Tensor w, bias;

  Draw(const Cell& cell, std::size_t h, long tokens) : gates(std::size_t(tokens) * cell.gates * h) {
    gates = rounded(random_numbers(gates.size(), "gates"));
    const auto uniform = [&](std::size_t n, const std::string& name) {
      Numbers values = random_numbers(n, name, true);
      for (double& value : values) value = 2 * (value - 1) / std::sqrt(double(h));
      return rounded(values);
    };
    weights = {h, uniform(cell.gates * h * h, "w"), uniform(h, "bias")};
    w = tensor_of(weights.w, {long(cell.gates * h), long(h)}), bias = tensor_of(weights.bias, {long(h)});
  }
};

TEST(RecurrentCells, FloatEqualsTheDefinitionsOfLongSequences) {
  const Worker worker;
  for (const Cell& cell : kCells)
    for (const auto& [tokens, h] : std::vector<std::pair<long, std::size_t>>{{4099, 32}, {16384, 7}})
      for (const bool reversed : {false, true}) {
        const Draw draw(cell, h, tokens);
        const Tensor y = cell.run(tensor_of(draw.gates, {tokens, long(cell.gates * h)}), draw.w, draw.bias,
                                  layout_of({0, tokens}), reversed);
        EXPECT_LT(relative_error(Numbers(y.data(), y.data() + y.size()),
                                 evaluated(cell, draw.weights, draw.gates, {0, tokens}, reversed)),
                  1e-6)
            << cell.name << ", " << tokens << ", " << reversed;
      }
}

struct Pass {
  Numbers states, dgates;
};

/// Sequences from `first` to `last` of a packing, forward and backward.
Pass pass(const Cell& cell, const Draw& draw, const std::vector<long>& offsets, long first, long last, bool reversed) {
  const long h = draw.bias.size(), width = long(cell.gates) * h;
  std::vector<long> own(offsets.begin() + first, offsets.begin() + last + 2);
  const long begin = own[0], tokens = own.back() - begin;
  for (long& at : own) at -= begin;
  const Numbers part(draw.gates.begin() + begin * width, draw.gates.begin() + (begin + tokens) * width);
  Pass result;
  Tape tape({});
  const Tensor gates = record(tensor_of(part, {tokens, width}),
                              [&](Tensor dx) { result.dgates.assign(dx.data(), dx.data() + dx.size()); });
  const Tensor y = cell.run(gates, draw.w, draw.bias, layout_of(own), reversed);
  result.states.assign(y.data(), y.data() + y.size());
  const Numbers dy(draw.gates.begin() + begin * h, draw.gates.begin() + (begin + tokens) * h);
  accumulate_gradient(y, tensor_of(dy, y.shape()));
  tape.backward();
  return result;
}

// Bits, not only values, whatever the number of sequences that run at a step, and of gates' gradients too.
TEST(RecurrentCells, ASequenceHasTheSameBitsInAnyCompany) {
  const Worker worker;
  std::vector<long> offsets = {0};
  for (long s = 0; s < 300; ++s) offsets.push_back(offsets.back() + 1 + s * 31 % 9);
  for (const Cell& cell : kCells)
    for (const std::size_t h : {1, 3, 16, 33, 64, 100})
      for (const bool reversed : {false, true}) {
        const Draw draw(cell, h, offsets.back());
        const Pass together = pass(cell, draw, offsets, 0, 299, reversed);
        for (const auto& [first, last] : std::vector<std::pair<long, long>>{{0, 0}, {7, 7}, {150, 200}, {284, 299}}) {
          const Pass fewer = pass(cell, draw, offsets, first, last, reversed);
          const auto same = [&](const Numbers& part, const Numbers& all, std::size_t width) {
            return std::equal(part.begin(), part.end(), all.begin() + offsets[std::size_t(first)] * long(width));
          };
          EXPECT_TRUE(same(fewer.states, together.states, h)) << cell.name << ", " << h << ", from " << first;
          EXPECT_TRUE(same(fewer.dgates, together.dgates, cell.gates * h)) << cell.name << ", " << h;
        }
      }
}

}  // namespace
}  // namespace lra
