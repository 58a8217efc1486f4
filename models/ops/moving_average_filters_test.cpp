/// Filters of moving averages against the recurrence whose impulse responses they are.
#include "models/ops/moving_average_filters.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "models/autodiff/tape.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

constexpr std::size_t kRows = 3, kStates = 2;

/// From averages of almost everything to the last token alone; 1 − 3e-6 has 5 of its digits in float32.
const Numbers kRates = rounded({3e-6, 0.01, 0.3, 0.9, 1, 0});

/// Σ_m w_m h_t of h_t = u_t + (1 − rate)·h_{t−1} for an impulse u.
Numbers impulse_response(const Numbers& rates, const Numbers& weights, std::size_t row, std::size_t length) {
  Numbers y(length);
  for (std::size_t i = row * kStates; i < (row + 1) * kStates; ++i) {
    double h = 0;
    for (std::size_t t = 0; t < length; ++t) {
      h = (t == 0 ? 1 : 0) + (1 - rates[i]) * h;
      y[t] += weights[i] * h;
    }
  }
  return y;
}

Tensor tensor_of(const Numbers& values, long rows) {
  Tensor x = Tensor::empty({rows, long(values.size()) / rows});
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

struct MovingAverageFilters : testing::Test {
  Tensor filters(long length) const {
    return moving_average_filters(tensor_of(kRates, kRows), tensor_of(weights, kRows), length);
  }
  const Worker worker;
  const Numbers weights = rounded(random_numbers(kRows * kStates, "w"));
};

TEST_F(MovingAverageFilters, AreImpulseResponses) {
  for (const long length : {1L, 2L, 3L, 37L, 1001L, 16384L}) {
    const Tensor y = filters(length);
    for (std::size_t c = 0; c < kRows; ++c) {
      Numbers column;
      for (long t = 0; t < length; ++t) column.push_back(y.data()[t * long(kRows) + long(c)]);
      EXPECT_LT(relative_error(column, impulse_response(kRates, weights, c, std::size_t(length))), 1e-7)
          << length << ", " << c;
    }
  }
}

// Source: d/dw Σ w·q^t = q^t and d/dp Σ w·(1 − p)^t = −w·t·(1 − p)^(t−1), summed tap by tap.
TEST_F(MovingAverageFilters, HaveTheDerivativesOfPowers) {
  constexpr std::size_t kLength = 3001;
  const Numbers dy = rounded(random_numbers(kLength * kRows, "dy"));
  Numbers by_rates, by_weights;
  for (std::size_t i = 0; i < kRates.size(); ++i) {
    double by_rate = 0, by_weight = 0;
    for (std::size_t t = 0; t < kLength; ++t) {
      const double gradient = dy[t * kRows + i / kStates], base = 1 - kRates[i];
      by_weight += gradient * std::pow(base, double(t));
      if (t > 0) by_rate -= gradient * weights[i] * double(t) * std::pow(base, double(t - 1));
    }
    by_rates.push_back(by_rate), by_weights.push_back(by_weight);
  }
  Tape tape({});
  Tensor drates, dweights;
  const Tensor y = moving_average_filters(
      record(tensor_of(kRates, kRows), [&](Tensor dx) { drates = std::move(dx); }),
      record(tensor_of(weights, kRows), [&](Tensor dx) { dweights = std::move(dx); }), long(kLength));
  accumulate_gradient(y, tensor_of(dy, long(kLength)));
  tape.backward();
  const auto numbers = [](const Tensor& x) { return Numbers(x.data(), x.data() + x.size()); };
  for (std::size_t i = 0; i < kRates.size(); ++i) {  // one by one, because they differ by factors of millions
    EXPECT_NEAR(numbers(drates)[i], by_rates[i], 1e-6 * std::abs(by_rates[i])) << i;
    EXPECT_NEAR(numbers(dweights)[i], by_weights[i], 1e-6 * std::abs(by_weights[i])) << i;
  }
}

// Bits, because the filters of a batch are as long as its longest sequence.
TEST_F(MovingAverageFilters, BeginAlikeWhateverTheirLength) {
  const Tensor longest = filters(4099);
  for (const long length : {1L, 64L, 100L, 2000L}) {
    const Tensor y = filters(length);
    EXPECT_TRUE(std::equal(y.data(), y.data() + y.size(), longest.data())) << length;
  }
}

}  // namespace
}  // namespace lra
