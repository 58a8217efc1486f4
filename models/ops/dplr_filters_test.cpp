/// Filters of state spaces with diagonal plus low-rank matrices against dense matrices and their naive powers.
#include "models/ops/dplr_filters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <complex>

#include "models/testing/compare.h"

namespace lra {
namespace {

using Complex = std::complex<double>;
using ComplexMatrix = std::vector<std::vector<Complex>>;

/// The solution of a·x = b for each column of b, by elimination with pivots.
ComplexMatrix solve(ComplexMatrix a, ComplexMatrix b) {
  const std::size_t n = a.size();
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[k][k])) std::swap(a[i], a[k]), std::swap(b[i], b[k]);
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const Complex factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      for (std::size_t j = 0; j < b[i].size(); ++j) b[i][j] -= factor * b[k][j];
    }
  }
  for (std::size_t k = 0; k < n; ++k)
    for (Complex& value : b[k]) value /= a[k][k];
  return b;
}

/// A state space with both states of each pair: a full matrix, stepped by the trapezoidal rule.
Numbers response(const std::vector<Complex>& lambda, const std::vector<Complex>& p, const std::vector<Complex>& b,
                 double step, const std::vector<Complex>& w, long length) {
  const std::size_t m = lambda.size(), n = 2 * m;
  const auto both = [m](const std::vector<Complex>& half, std::size_t i) {
    return i < m ? half[i] : std::conj(half[i - m]);
  };
  ComplexMatrix before(n, std::vector<Complex>(n)), after = before, input(n, std::vector<Complex>(1));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const Complex a = (i == j ? both(lambda, i) : 0) - both(p, i) * std::conj(both(p, j));
      before[i][j] = (i == j ? 1.0 : 0.0) - step / 2 * a;
      after[i][j] = (i == j ? 1.0 : 0.0) + step / 2 * a;
    }
    input[i][0] = step * both(b, i);
  }
  const ComplexMatrix power = solve(before, after);
  ComplexMatrix x = solve(before, input);
  Numbers y;
  for (long t = 0; t < length; ++t) {
    Complex sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += both(w, i) * x[i][0];
    y.push_back(sum.real());
    ComplexMatrix next(n, std::vector<Complex>(1));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) next[i][0] += power[i][j] * x[j][0];
    x = next;
  }
  return y;
}

std::vector<Complex> row(const Numbers& x, long m, long at) {
  std::vector<Complex> values;
  for (long k = 0; k < m; ++k) values.emplace_back(x[std::size_t(at * 2 * m + k)], x[std::size_t(at * 2 * m + m + k)]);
  return values;
}

struct Inputs {
  long rows, columns, states;  // one per pair
  Numbers matrix, low_rank, input, log_steps, weights;

  Inputs(long c, long w, long m) : rows(c), columns(w), states(m) {
    const auto draw = [](long n, const char* name) { return rounded(random_numbers(std::size_t(n), name)); };
    matrix = draw(c * 2 * m, "matrix"), low_rank = draw(c * 2 * m, "low rank"), input = draw(c * 2 * m, "input");
    log_steps = draw(c, "steps"), weights = draw(w * 2 * m, "weights");
    for (std::size_t i = 0; i < matrix.size(); ++i)
      if (i % std::size_t(2 * m) < std::size_t(m)) matrix[i] = -0.125 * std::abs(matrix[i]);
    for (double& step : log_steps) step = float(step - 3);
  }

  Numbers column(long c, long length) const {
    const long r = c % rows;
    return response(row(matrix, states, r), row(low_rank, states, r), row(input, states, r),
                    std::exp(log_steps[std::size_t(r)]), row(weights, states, c), length);
  }
  Tensor filters(long length) const {
    return dplr_filters(tensor(matrix, rows), tensor(low_rank, rows), tensor(input, rows), tensor(log_steps, rows),
                        tensor(weights, columns), length);
  }
  static Tensor tensor(const Numbers& values, long rows) {
    Tensor x = Tensor::empty({rows, long(values.size()) / rows});
    std::copy(values.begin(), values.end(), x.data());
    return x;
  }
};

TEST(DplrFilters, AreResponsesOfTheDenseMatrix) {
  for (const auto& [rows, columns, states] : {std::tuple{3L, 6L, 2L}, {4L, 4L, 1L}, {1L, 2L, 4L}}) {
    const Inputs x(rows, columns, states);
    for (const long length : {1L, 2L, 15L, 16L, 17L, 131L, 16384L}) {
      const Tensor y = x.filters(length);
      for (long c = 0; c < columns; ++c) {
        Numbers taps;
        for (long t = 0; t < length; ++t) taps.push_back(y.data()[t * columns + c]);
        EXPECT_LT(relative_error(taps, x.column(c, length)), 1e-7) << rows << ", " << c << ", " << length;
      }
    }
  }
}

// The same in double, where the derivatives of these cases are checked (EveryOp), too.
TEST(DplrFilters, InDoubleAreResponsesOfTheDenseMatrix) {
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  struct Case {
    const char* name;
    long rows, columns, states, length;
    double rate, low_rank;  // factors of the case
  };
  for (const Case& c : {Case{"dplr_filters", 3, 3, 4, 150, 1, 1},
                        {"dplr_filters, two filters per state space", 4, 8, 1, 32, 1, 1},
                        {"dplr_filters of 4,099 taps", 1, 2, 3, 4099, 0.01, 0.1},
                        {"dplr_filters of one tap", 1, 1, 1, 1, 1, 1}}) {
    Inputs x(c.rows, c.columns, c.states);
    for (double& step : x.log_steps) step += 2;
    const OpRun run = f64::run_op(c.name, {x.matrix, x.low_rank, x.input, x.log_steps, x.weights}, {});
    for (std::size_t i = 0; i < x.matrix.size(); ++i)
      x.matrix[i] =
          c.rate * (i % std::size_t(2 * c.states) < std::size_t(c.states) ? -0.1 * softplus(x.matrix[i]) : x.matrix[i]);
    for (double& p : x.low_rank) p *= c.low_rank;
    for (long f = 0; f < c.columns; ++f) {
      Numbers taps;
      for (long t = 0; t < c.length; ++t) taps.push_back(run.result[std::size_t(t * c.columns + f)]);
      EXPECT_LT(relative_error(taps, x.column(f, c.length)), 1e-12) << c.name << ", " << f;
    }
  }
}

// Bits, because the filters of a batch are as long as its longest sequence.
TEST(DplrFilters, BeginAlikeWhateverTheirLength) {
  const Inputs x(3, 6, 2);
  const Tensor longest = x.filters(4099);
  for (const long length : {1L, 16L, 100L, 1025L}) {
    const Tensor y = x.filters(length);
    EXPECT_TRUE(std::equal(y.data(), y.data() + y.size(), longest.data())) << length;
  }
}

// States that have decayed below the smallest normal number are zero; so are their taps.
TEST(DplrFilters, EndAtZeroAfterAFastDecay) {
  Inputs x(2, 2, 1);
  x.matrix = {-8, 1, -8, 0}, x.low_rank = {0.5, 0, 0, 0}, x.log_steps = {-3, -3};
  const Tensor y = x.filters(2048);
  EXPECT_NE(y.data()[0], 0);
  for (long i = 4000; i < y.size(); ++i) EXPECT_EQ(y.data()[i], 0);
}

}  // namespace
}  // namespace lra
