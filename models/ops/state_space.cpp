/// Filters of diagonal state spaces: sums of powers of complex numbers, as products of two small tables.
///
/// With t = kFine·i + j, w·g·s^t is (w·g·s^(kFine·i)) · s^j. So the filter of a column is a real matrix product of the
/// coarse table, a row per i, and the fine one, a row per j, with 2M columns: the real and imaginary parts of M states.
/// Rates and both tables are computed in double, and tables are rounded once, so phases stay exact however long the
/// filter: a rate rounded to float32 would turn the last of N taps by N·6e-8 of its phase per step. The derivatives
/// need Σ_t df_t s^t and Σ_t df_t t·s^t, which are such products with df.
#include <cmath>
#include <vector>

#include "core/error.h"
#include "models/ops/detail/discretised_state.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kFine = 64;      // rows of the fine table; a constant, so that no tap depends on the filter's length
constexpr long kSquarings = 6;  // s^kFine is s squared so often
constexpr long kColumns = 16;   // columns whose taps are transposed together: a cache line

/// A state with its power s^kFine.
struct State : DiscretisedState {
  Complex coarse;

  State(Complex rate, Discretisation method, long taps)
      : DiscretisedState(rate, method, taps), coarse(squared(s, kSquarings)) {}
};

/// The states of all rows of a matrix (C,2M) with the steps' logarithms (C,1), and their fine tables (kFine,C·2M).
struct States {
  long rows, m;
  std::vector<double> steps;
  std::vector<State> all;
  Tensor fine, fine_times_j;

  States(const Tensor& matrix, const Tensor& log_steps, Discretisation method, long softmax_taps, bool with_slopes)
      : rows(matrix.dim(0)), m(matrix.dim(1) / 2) {
    for (long c = 0; c < rows; ++c) {
      steps.push_back(std::exp(double(log_steps.data()[c])));
      for (long k = 0; k < m; ++k) {
        const Real* entry = matrix.data() + c * 2 * m + k;
        all.emplace_back(Complex(entry[0], entry[m]) * steps.back(), method, softmax_taps);
      }
    }
    fine = Tensor::empty({kFine, rows * 2 * m});
    if (with_slopes) fine_times_j = Tensor::empty(fine.shape());
    std::vector<Complex> power(all.size(), 1);
    for (long j = 0; j < kFine; ++j)
      for (long i = 0; i < long(all.size()); ++i) {
        const long at = j * rows * 2 * m + i / m * 2 * m + i % m;
        Complex& p = power[std::size_t(i)];
        put(p, fine.data() + at);
        if (with_slopes) put(p * double(j), fine_times_j.data() + at);
        p = product(p, all[std::size_t(i)].s);
      }
  }

  const State& at(long row, long k) const { return all[std::size_t(row % rows * m + k)]; }
  /// The table (kFine,2M) of a row.
  ConstView table(const Tensor& of, long row) const {
    return {of.data() + row % rows * 2 * m, kFine, 2 * m, rows * 2 * m};
  }
  void put(Complex value, Real* place) const {
    place[0] = Real(value.real());
    place[m] = Real(value.imag());
  }
};

/// Calls visit(first column, number of columns) for groups of at most kColumns columns.
template <typename Visit>
void by_columns(long columns, Visit visit) {
  for (long c = 0; c < columns; c += kColumns) visit(c, std::min(kColumns, columns - c));
}

/// The rows of a coarse table, rounded up: matrix products of fewer than kLeastRows rows have other bits.
long coarse_rows(long length) {
  constexpr long kLeastRows = 16, kTaps = kLeastRows * kFine;
  return (length + kTaps - 1) / kTaps * kLeastRows;
}

void expect_states(const Tensor& matrix, const Tensor& log_steps, const Tensor& weights, long length) {
  expect_matrix(matrix, "state_space_filters", "matrix");
  expect_matrix(log_steps, "state_space_filters", "log_steps");
  expect_matrix(weights, "state_space_filters", "weights");
  const long rows = matrix.dim(0), width = matrix.dim(1);
  if (rows < 1 || width < 2 || width % 2 != 0 || log_steps.shape() != Shape{rows, 1} || weights.dim(1) != width ||
      weights.dim(0) % rows != 0 || length < 1)
    fail("[state_space_filters] a matrix {} does not fit steps {}, weights {} and {} taps", matrix.shape().text(),
         log_steps.shape().text(), weights.shape().text(), length);
}

/// Writes the coarse table (i,2M) of one column: w·g·s^(kFine·i), conjugate so that products with the fine one are real
/// parts.
void write_coarse(const States& states, const Tensor& weights, long column, View table) {
  const long m = states.m;
  for (long k = 0; k < m; ++k) {
    const State& state = states.at(column, k);
    const Real* weight = weights.data() + column * 2 * m + k;
    Complex value = product({double(weight[0]), double(weight[m])}, state.g);
    for (long i = 0; i < table.rows; ++i, value = product(value, state.coarse))
      states.put(std::conj(value), table.data + i * table.stride + k);
  }
}

/// Gradients of one column, given that of its taps df (i,kFine). Those of rates are summed over all columns first.
class ColumnBackward {
 public:
  ColumnBackward(const States& states, long coarse)
      : states_(states),
        by_rate_(states.all.size()),
        sums_(Tensor::empty({coarse, 2 * states.m})),
        sums_times_j_(Tensor::empty({coarse, 2 * states.m})) {}

  void add(ConstView df, const Tensor& weights, long column, Tensor& dweights) {
    kernels::gemm(df, false, states_.table(states_.fine, column), false, sums_.matrix());
    kernels::gemm(df, false, states_.table(states_.fine_times_j, column), false, sums_times_j_.matrix());
    const long m = states_.m;
    Real* dweight = dweights.data() + column * 2 * m;
    const Real* weight = weights.data() + column * 2 * m;
    for (long k = 0; k < m; ++k) {
      const State& state = states_.at(column, k);
      const auto [sum, slope] = over_taps(state, k);
      const Complex f = product(state.g_slope, sum) + product(product(state.g, state.s_slope), slope);
      // The derivative of 2·Re f(z) by the real and imaginary part of z is 2·conj f'(z).
      add_to(dweight + k, 2.0 * std::conj(product(state.g, sum)));
      by_rate_[std::size_t(column % states_.rows * m + k)] +=
          2.0 * std::conj(product({double(weight[k]), double(weight[k + m])}, f));
    }
  }

  /// A rate is an entry of the matrix times e^(log step).
  void add_of_rates(Tensor& dmatrix, Tensor& dlog_steps) const {
    const long m = states_.m;
    for (long c = 0; c < states_.rows; ++c) {
      double by_log_step = 0;
      for (long k = 0; k < m; ++k) {
        const Complex by = by_rate_[std::size_t(c * m + k)], rate = states_.at(c, k).a;
        add_to(dmatrix.data() + c * 2 * m + k, by * states_.steps[std::size_t(c)]);
        by_log_step += by.real() * rate.real() + by.imag() * rate.imag();
      }
      dlog_steps.data()[c] += Real(by_log_step);
    }
  }

 private:
  /// Σ_t df_t s^t and Σ_t df_t t·s^t.
  std::pair<Complex, Complex> over_taps(const State& state, long k) const {
    Complex sum = 0, slope = 0, power = 1;
    for (long i = 0; i < sums_.dim(0); ++i, power = product(power, state.coarse)) {
      const Complex part = at(sums_, i, k);
      sum += product(power, part);
      slope += product(power, double(kFine * i) * part + at(sums_times_j_, i, k));
    }
    return {sum, slope};
  }
  Complex at(const Tensor& sums, long i, long k) const {
    const Real* place = sums.data() + i * 2 * states_.m + k;
    return {double(place[0]), double(place[states_.m])};
  }
  void add_to(Real* place, Complex value) const {
    place[0] += Real(value.real());
    place[states_.m] += Real(value.imag());
  }

  const States& states_;
  std::vector<Complex> by_rate_;
  Tensor sums_, sums_times_j_;
};

/// Moves the m states of a feature, m real and m imaginary parts, on by the input u. Returns the output.
Real advance(const DiscretisedState* states, const Real* weights, long m, Real u, Real* carried) {
  double sum = 0;
  for (long k = 0; k < m; ++k) {
    const Complex z = product(states[k].s, {double(carried[k]), double(carried[k + m])}) + double(u) * states[k].g;
    carried[k] = Real(z.real()), carried[k + m] = Real(z.imag());
    sum += double(weights[k]) * z.real() - double(weights[k + m]) * z.imag();
  }
  return Real(2 * sum);
}

}  // namespace

Tensor state_space_filters(const Tensor& matrix, const Tensor& log_steps, const Tensor& weights, Discretisation method,
                           long length, long softmax_taps) {
  expect_states(matrix, log_steps, weights, length);
  if (method == Discretisation::softmax && softmax_taps < length)
    fail("[state_space_filters] a softmax over {} taps is too short for {}", softmax_taps, length);
  const long columns = weights.dim(0), coarse = coarse_rows(length), taps = coarse * kFine;
  const States states(matrix, log_steps, method, softmax_taps, false);
  Tensor y = Tensor::empty({length, columns});
  Tensor table = Tensor::empty({coarse, matrix.dim(1)}), group = Tensor::empty({kColumns, taps});
  by_columns(columns, [&](long first, long count) {
    for (long c = 0; c < count; ++c) {
      write_coarse(states, weights, first + c, table.matrix());
      kernels::gemm(table.matrix(), false, states.table(states.fine, first + c), true,
                    {group.data() + c * taps, coarse, kFine, kFine}, false, 2);
    }
    for (long t = 0; t < length; ++t)
      for (long c = 0; c < count; ++c) y.data()[t * columns + first + c] = group.data()[c * taps + t];
  });
  return record(std::move(y),
                [matrix, log_steps, weights, method, softmax_taps, length, columns, coarse, taps](Tensor dy) {
                  Tensor dmatrix = zeroed_gradient_sink(matrix), dlog_steps = zeroed_gradient_sink(log_steps);
                  Tensor dweights = zeroed_gradient_sink(weights);
                  const States same(matrix, log_steps, method, softmax_taps, true);
                  ColumnBackward backward(same, coarse);
                  Tensor dgroup = Tensor::zeros({kColumns, taps});
                  by_columns(columns, [&](long first, long count) {
                    for (long t = 0; t < length; ++t)
                      for (long c = 0; c < count; ++c) dgroup.data()[c * taps + t] = dy.data()[t * columns + first + c];
                    for (long c = 0; c < count; ++c)
                      backward.add({dgroup.data() + c * taps, coarse, kFine, kFine}, weights, first + c, dweights);
                  });
                  backward.add_of_rates(dmatrix, dlog_steps);
                });
}

Tensor state_space(const Tensor& x, const Tensor& matrix, const Tensor& log_steps, const Tensor& weights,
                   Discretisation method, const SequenceLayout& layout, long softmax_taps) {
  if (!stepping()) {
    const Tensor filters = state_space_filters(matrix, log_steps, weights, method, layout.longest(), softmax_taps);
    return long_convolution(x, filters, layout);
  }
  expect_packed(x, layout, "state_space");
  expect_states(matrix, log_steps, weights, 1);
  const long c = matrix.dim(0), m = matrix.dim(1) / 2;
  expect_steps(weights.dim(0) == c, "state_space", kSeesLaterTokens);
  const auto states = computed_once([&] {
    std::vector<DiscretisedState> all;
    for (long i = 0; i < c * m; ++i) {
      const Real* entry = matrix.data() + i / m * 2 * m + i % m;
      all.emplace_back(Complex(entry[0], entry[m]) * std::exp(double(log_steps.data()[i / m])), method, softmax_taps);
    }
    return all;
  });
  Tensor y = Tensor::empty(x.shape());
  for (long s = 0; s < layout.count(); ++s) {
    Tensor carried = carried_state({c, 2 * m});
    for (long i = layout.begin(s) * c; i < layout.begin(s + 1) * c; ++i)
      y.data()[i] = advance(states->data() + i % c * m, weights.data() + i % c * 2 * m, m, x.data()[i],
                            carried.data() + i % c * 2 * m);
  }
  return y;
}

}  // namespace lra::inline LRA_ENGINE
