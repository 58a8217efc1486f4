/// Filters of state spaces against the recurrences whose impulse responses they are.
#include <gtest/gtest.h>

#include <algorithm>
#include <complex>

#include "models/ops/ops.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

using Complex = std::complex<double>;

/// Rates of slow and fast states, with and without oscillation, at the steps below.
const std::vector<Complex> kRates = {{-5e-4, 0.1}, {-0.05, 3.1}, {-0.5, 0}, {-1e-4, 1e-3}, {-3, 20}, {-1e-3, 2.9}};
const std::vector<double> kSteps = {0.013, 1, 2.7};
constexpr long kRows = 3, kStates = 2, kFilters = 6;

constexpr long kSoftmaxTaps = 200;

/// Adds the impulse response of x_t = Ā x_{t−1} + B̄ u_t, y_t = 2·Re(w·x_t), the system x' = a·x + u at step 1: exactly
/// for inputs that are constant in between, or by the trapezoidal rule. Of softmax, the powers of e^a sum to 1/a.
void add_response(Complex a, Complex w, Discretisation method, Numbers& y) {
  const bool trapezoidal = method == Discretisation::bilinear;
  const Complex next = trapezoidal ? (1.0 + 0.5 * a) / (1.0 - 0.5 * a) : std::exp(a);
  Complex in = trapezoidal ? 1.0 / (1.0 - 0.5 * a) : (std::exp(a) - 1.0) / a;
  if (method == Discretisation::softmax) {
    Complex sum = 0;
    for (double t = 0; t < double(kSoftmaxTaps); ++t) sum += std::exp(t * a);
    in = 1.0 / (a * sum);
  }
  Complex x = 0;
  for (std::size_t t = 0; t < y.size(); ++t) {
    x = next * x + (t == 0 ? in : 0.0);
    y[t] += 2 * (w * x).real();
  }
}

/// Filter c from a matrix (3,4), steps (3,1) and weights (6,4); rows have two real parts, then two imaginary ones.
Numbers filter(const Numbers& matrix, const Numbers& log_steps, const Numbers& weights, long c, Discretisation method,
               long length) {
  const auto at = [](const Numbers& values, long row, long k) {
    const std::size_t place = std::size_t(row * 2 * kStates + k);
    return Complex(values[place], values[place + kStates]);
  };
  Numbers y(std::size_t(length), 0.0);
  const double step = std::exp(log_steps[std::size_t(c % kRows)]);
  for (long k = 0; k < kStates; ++k) add_response(step * at(matrix, c % kRows, k), at(weights, c, k), method, y);
  return y;
}

Tensor tensor_of(const Numbers& values, long rows) {
  Tensor x = Tensor::empty({rows, long(values.size()) / rows});
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

struct StateSpaceFilters : testing::Test {
  StateSpaceFilters() : matrix(kRows * 2 * kStates), weights(rounded(random_numbers(kFilters * 2 * kStates, "w"))) {
    for (const double step : kSteps) log_steps.push_back(float(std::log(step)));
    for (std::size_t i = 0; i < kRates.size(); ++i) {
      const std::size_t place = i / kStates * 2 * kStates + i % kStates;
      matrix[place] = float(kRates[i].real() / kSteps[i / kStates]);
      matrix[place + kStates] = float(kRates[i].imag() / kSteps[i / kStates]);
    }
  }
  Tensor filters(Discretisation method, long length) const {
    return state_space_filters(tensor_of(matrix, kRows), tensor_of(log_steps, kRows), tensor_of(weights, kFilters),
                               method, length, kSoftmaxTaps);
  }
  const Worker worker;
  Numbers matrix, log_steps, weights;
};

TEST_F(StateSpaceFilters, AreImpulseResponses) {
  for (const Discretisation method : {Discretisation::zoh, Discretisation::bilinear, Discretisation::softmax})
    for (const long length : {1L, 2L, 63L, 64L, 65L, 129L, 16384L}) {
      if (method == Discretisation::softmax && length > kSoftmaxTaps) continue;
      const Tensor y = filters(method, length);
      for (long c = 0; c < kFilters; ++c) {
        Numbers column;
        for (long t = 0; t < length; ++t) column.push_back(y.data()[t * kFilters + c]);
        EXPECT_LT(relative_error(column, filter(matrix, log_steps, weights, c, method, length)), 1e-6)
            << length << ", " << c;
      }
    }
}

TEST_F(StateSpaceFilters, OfASoftmaxMayGrow) {
  for (std::size_t row = 0; row < kRows; ++row)
    for (std::size_t k = 0; k < kStates; ++k) matrix[row * 2 * kStates + k] *= -0.05;
  const Tensor y = filters(Discretisation::softmax, kSoftmaxTaps);
  for (long c = 0; c < kFilters; ++c) {
    Numbers column;
    for (long t = 0; t < kSoftmaxTaps; ++t) column.push_back(y.data()[t * kFilters + c]);
    EXPECT_LT(relative_error(column, filter(matrix, log_steps, weights, c, Discretisation::softmax, kSoftmaxTaps)),
              1e-6)
        << c;
  }
}

// Source: central differences of the recurrence in double.
TEST_F(StateSpaceFilters, HaveTheDerivativesOfTheRecurrence) {
  constexpr long kLength = 200;
  const Numbers dy = rounded(random_numbers(kLength * kFilters, "dy"));
  for (const Discretisation method : {Discretisation::zoh, Discretisation::bilinear, Discretisation::softmax}) {
    const auto objective = [&] {
      double sum = 0;
      for (long c = 0; c < kFilters; ++c) {
        const Numbers y = filter(matrix, log_steps, weights, c, method, kLength);
        for (long t = 0; t < kLength; ++t) sum += y[std::size_t(t)] * dy[std::size_t(t * kFilters + c)];
      }
      return sum;
    };
    const auto differences = [&](Numbers& values) {
      Numbers slopes;
      for (double& value : values) {
        const double here = value, step = 1e-6;
        value = here + step;
        const double above = objective();
        value = here - step;
        slopes.push_back((above - objective()) / (2 * step));
        value = here;
      }
      return slopes;
    };
    Tape tape({});
    Tensor dmatrix, dlog_steps, dweights;
    const Tensor y =
        state_space_filters(record(tensor_of(matrix, kRows), [&](Tensor dx) { dmatrix = std::move(dx); }),
                            record(tensor_of(log_steps, kRows), [&](Tensor dx) { dlog_steps = std::move(dx); }),
                            record(tensor_of(weights, kFilters), [&](Tensor dx) { dweights = std::move(dx); }), method,
                            kLength, kSoftmaxTaps);
    accumulate_gradient(y, tensor_of(dy, kLength));
    tape.backward();
    const auto numbers = [](const Tensor& x) { return Numbers(x.data(), x.data() + x.size()); };
    // A softmax compares each tap with the mean of all, which cancels digits of their sums.
    const double most = method == Discretisation::softmax ? 3e-6 : 1e-6;
    EXPECT_LT(relative_error(numbers(dmatrix), differences(matrix)), most);
    EXPECT_LT(relative_error(numbers(dlog_steps), differences(log_steps)), most);
    EXPECT_LT(relative_error(numbers(dweights), differences(weights)), 1e-6);
  }
}

// Bits, because the filters of a batch are as long as its longest sequence.
TEST_F(StateSpaceFilters, BeginAlikeWhateverTheirLength) {
  const Tensor longest = filters(Discretisation::zoh, 4099);
  for (const long length : {1L, 64L, 100L, 1025L, 2000L}) {
    const Tensor y = filters(Discretisation::zoh, length);
    EXPECT_TRUE(std::equal(y.data(), y.data() + y.size(), longest.data())) << length;
  }
}

}  // namespace
}  // namespace lra
