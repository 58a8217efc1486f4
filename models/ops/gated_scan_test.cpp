/// Scans against the recurrence that defines them, token by token in double.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <string>
#include <vector>

#include "models/ops/ops.h"
#include "models/ops/recurrences.h"
#include "models/testing/bridge.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

constexpr Direction kDirections[] = {Direction::forward, Direction::backward, Direction::both};
constexpr long kFeatures = 3;

/// h_t = a_t·e^{iθ}·h_{t−1} + b_t for each feature of each sequence. a (T,C), b (T,2C) or (T,C) without angles.
Numbers recurrence(const Numbers& a, const Numbers& b, const Numbers& angles, const std::vector<long>& offsets,
                   Direction direction) {
  const bool is_complex = !angles.empty();
  const std::size_t c = kFeatures, width = is_complex ? 2 * c : c;
  Numbers y(b.size());
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
    for (std::size_t f = 0; f < c; ++f) {
      const auto b_at = [&](long t) {
        const std::size_t at = std::size_t(t) * width + f;
        return std::complex<double>(b[at], is_complex ? b[at + c] : 0);
      };
      const auto pass = [&](long first, long step) {
        std::complex<double> h = 0;
        for (long t = first; t >= offsets[s] && t < offsets[s + 1]; t += step) {
          h = a[std::size_t(t) * c + f] * std::polar(1.0, is_complex ? angles[f] : 0) * h + b_at(t);
          y[std::size_t(t) * width + f] += h.real();
          if (is_complex) y[std::size_t(t) * width + c + f] += h.imag();
        }
      };
      if (direction != Direction::backward) pass(offsets[s], 1);
      if (direction != Direction::forward) pass(offsets[s + 1] - 1, -1);
      for (long t = offsets[s]; direction == Direction::both && t < offsets[s + 1]; ++t) {
        y[std::size_t(t) * width + f] -= b_at(t).real();
        if (is_complex) y[std::size_t(t) * width + c + f] -= b_at(t).imag();
      }
    }
  return y;
}

// In double; the derivatives of these cases are among those that EveryOp checks.
TEST(GatedScan, EqualsItsRecurrence) {
  const char* towards[] = {"forward", "backward", "both"};
  const std::vector<std::pair<std::string, std::vector<long>>> packings = {
      {"ragged", {0, 5, 6, 15}}, {"1", {0, 1}}, {"290", {0, 290}}};
  for (const auto& [tokens, offsets] : packings)
    for (const bool is_complex : {false, true})
      for (const Direction direction : kDirections) {
        const std::size_t n = std::size_t(offsets.back() * kFeatures);
        const Numbers x = random_numbers(n, "x"), b = random_numbers(is_complex ? 2 * n : n, "b");
        const Numbers angles = is_complex ? random_numbers(kFeatures, "angles") : Numbers();
        Numbers a = x;
        for (double& value : a) value = 1 / (1 + std::exp(-5 * value));
        std::vector<Numbers> inputs = {x, b};
        if (is_complex) inputs.push_back(angles);
        const std::string name =
            "gated_scan, " + tokens + ", " + (is_complex ? "complex" : "real") + ", " + towards[int(direction)];
        EXPECT_LT(relative_error(f64::run_op(name, inputs, {}).result, recurrence(a, b, angles, offsets, direction)),
                  1e-13)
            << name;
      }
}

Tensor tensor_of(const Numbers& x, long rows) {
  Tensor y = Tensor::empty({rows, long(x.size()) / rows});
  std::copy(x.begin(), x.end(), y.data());
  return y;
}

SequenceLayout layout_of(const std::vector<long>& offsets) {
  SequenceLayout layout;
  layout.offsets = offsets, layout.sequences.resize(offsets.size() - 1), layout.length = offsets.back();
  return layout;
}

// In float, where states remember for long, and where they forget everything now and then. A state that remembers n
// tokens has been turned n times by factors that are rounded once.
TEST(GatedScan, FloatEqualsTheRecurrenceAtAnyDecay) {
  constexpr long n = 4096;
  struct Kind {
    std::string name;
    double (*a)(std::size_t);
    double remembered;  // tokens
  };
  const std::vector<Kind> kinds = {{"near 1", [](std::size_t) { return 0.9990234375; }, 1024},
                                   {"1", [](std::size_t) { return 1.0; }, n},
                                   {"0 and 1", [](std::size_t i) { return double(i % 7 != 0); }, 7}};
  for (const Kind& kind : kinds)
    for (const bool is_complex : {false, true})
      for (const Direction direction : kDirections) {
        Numbers a(n * kFeatures);
        for (std::size_t i = 0; i < a.size(); ++i) a[i] = kind.a(i);
        const Numbers b = rounded(random_numbers((is_complex ? 2 : 1) * a.size(), "b"));
        const Numbers angles = is_complex ? Numbers{0, 0.25, 2} : Numbers();
        const Tensor y = gated_scan(tensor_of(a, n), tensor_of(b, n), layout_of({0, n}), direction,
                                    is_complex ? tensor_of(angles, 1) : Tensor());
        EXPECT_LT(relative_error(Numbers(y.data(), y.data() + y.size()), recurrence(a, b, angles, {0, n}, direction)),
                  3e-6 + (is_complex ? 3e-8 * kind.remembered : 0))
            << kind.name << ", " << is_complex << ", " << int(direction);
      }
}

TEST(GatedScan, ASequenceHasTheSameBitsInAnyCompany) {
  const Numbers a(15 * kFeatures, 0.7), b = random_numbers(15 * kFeatures, "b");
  const auto part = [](const Numbers& x, long begin, long end) {
    return tensor_of(Numbers(x.begin() + begin * kFeatures, x.begin() + end * kFeatures), end - begin);
  };
  for (const Direction direction : kDirections) {
    const Tensor together = gated_scan(part(a, 0, 15), part(b, 0, 15), layout_of({0, 5, 6, 15}), direction);
    for (const auto& [begin, end] : {std::pair{0L, 5L}, {5, 6}, {6, 15}}) {
      const Tensor alone = gated_scan(part(a, begin, end), part(b, begin, end), layout_of({0, end - begin}), direction);
      for (long i = 0; i < alone.size(); ++i) EXPECT_EQ(alone.data()[i], together.data()[begin * kFeatures + i]);
    }
  }
}

}  // namespace
}  // namespace lra
