#include "models/ops/moving_average_filters.h"

#include <vector>

#include "core/error.h"
#include "models/autodiff/tape.h"
#include "models/ops/detail/input_checks.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Entry (m,c) of a matrix (C,M) at m·C + c, in double, so that loops over features are contiguous.
std::vector<double> by_states(const Tensor& x) {
  const long rows = x.dim(0), states = x.dim(1);
  std::vector<double> y(std::size_t(rows * states));
  for (long c = 0; c < rows; ++c)
    for (long m = 0; m < states; ++m) y[std::size_t(m * rows + c)] = double(x.data()[c * states + m]);
  return y;
}

/// Adds what by_states has rearranged to a gradient.
void add_by_states(const std::vector<double>& x, Tensor to) {
  const long rows = to.dim(0), states = to.dim(1);
  for (long c = 0; c < rows; ++c)
    for (long m = 0; m < states; ++m) to.data()[c * states + m] += Real(x[std::size_t(m * rows + c)]);
}

/// q^t, and if asked for its derivative t·q^(t−1), for one t after another.
struct Powers {
  std::vector<double> bases, values, slopes;

  Powers(const Tensor& rates, bool with_slopes) : bases(by_states(rates)) {
    for (double& base : bases) base = 1 - base;
    values.assign(bases.size(), 1);
    if (with_slopes) slopes.assign(bases.size(), 0);
  }

  void advance() {
    constexpr double kNegligible = 1e-200;  // far from numbers that processors treat slowly
    for (std::size_t i = 0; i < slopes.size(); ++i) slopes[i] = slopes[i] * bases[i] + values[i];
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double next = values[i] * bases[i];
      values[i] = next < kNegligible ? 0 : next;
    }
    for (double& slope : slopes) slope = slope < kNegligible ? 0 : slope;
  }
};

void count_moving_average(const Tensor& rates, long length, double flops) {
  Context::current().work.flops += flops * double(length) * double(rates.size());
}

}  // namespace

Tensor moving_average_filters(const Tensor& rates, const Tensor& weights, long length) {
  expect_matrix(rates, "moving_average_filters", "rates");
  expect_input(weights, rates.shape(), "moving_average_filters", "weights");
  if (length < 1) fail("[moving_average_filters] a filter needs at least one tap, not {}", length);
  const std::size_t rows = std::size_t(rates.dim(0));
  Tensor y = Tensor::empty({length, rates.dim(0)});
  const std::vector<double> factors = by_states(weights);
  Powers powers(rates, false);
  std::vector<double> sums(rows);
  for (long t = 0; t < length; ++t, powers.advance()) {
    sums.assign(rows, 0);
    for (std::size_t at = 0; at < factors.size(); at += rows)
      for (std::size_t c = 0; c < rows; ++c) sums[c] += factors[at + c] * powers.values[at + c];
    for (std::size_t c = 0; c < rows; ++c) y.data()[t * long(rows) + long(c)] = Real(sums[c]);
  }
  count_moving_average(rates, length, 3);
  return record(std::move(y), [rates, weights, length, rows](const Tensor& dy) {
    const std::vector<double> factors_again = by_states(weights);
    Powers both(rates, true);
    std::vector<double> by_weights(factors_again.size()), by_rates(factors_again.size());
    for (long t = 0; t < length; ++t, both.advance()) {
      const Real* gradient = dy.data() + t * long(rows);
      for (std::size_t at = 0; at < by_weights.size(); at += rows)
        for (std::size_t c = 0; c < rows; ++c) {
          by_weights[at + c] += double(gradient[c]) * both.values[at + c];
          by_rates[at + c] -= double(gradient[c]) * both.slopes[at + c];
        }
    }
    for (std::size_t i = 0; i < by_rates.size(); ++i) by_rates[i] *= factors_again[i];
    add_by_states(by_weights, zeroed_gradient_sink(weights));
    add_by_states(by_rates, zeroed_gradient_sink(rates));
    count_moving_average(rates, length, 7);
  });
}

}  // namespace lra::inline LRA_ENGINE
