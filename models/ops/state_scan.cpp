/// Diagonal linear state spaces as recurrences.
///
/// Powers s are computed in double and rounded once, so that a state which has turned t times would be off by t times
/// the rounding error. Every kSpan tokens (s^kSpan − ŝ^kSpan)·(state kSpan tokens before), ŝ the rounded power,
/// corrects it, and the error stays that of one span however long the sequence.
#include <vector>

#include "core/error.h"
#include "models/ops/detail/discretised_state.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kSpanSquarings = 5, kSpan = 1 << kSpanSquarings;

/// The states of a matrix (1,2P), P real parts and P imaginary parts, with the steps' logarithms (1,P).
struct StateRow {
  std::vector<double> steps;
  std::vector<DiscretisedState> all;

  StateRow(const Tensor& matrix, const Tensor& log_steps, Discretisation method) {
    const long p = log_steps.size();
    for (long k = 0; k < p; ++k) {
      steps.push_back(std::exp(double(log_steps.data()[k])));
      all.emplace_back(Complex(matrix.data()[k], matrix.data()[k + p]) * steps.back(), method, 0);
    }
  }

  /// Adds the gradients of the matrix and of log_steps, given those of the rates, e^log_step times an entry.
  void add_gradients(const std::vector<Complex>& by_rate, const Tensor& matrix, const Tensor& log_steps) const {
    Tensor dmatrix = zeroed_gradient_sink(matrix), dlog_steps = zeroed_gradient_sink(log_steps);
    for (std::size_t k = 0; k < all.size(); ++k) {
      const Complex by_entry = by_rate[k] * steps[k], rate = all[k].a;
      dmatrix.data()[k] += Real(by_entry.real());
      dmatrix.data()[k + all.size()] += Real(by_entry.imag());
      dlog_steps.data()[k] += Real(by_rate[k].real() * rate.real() + by_rate[k].imag() * rate.imag());
    }
  }
};

/// P complex numbers by which rows of P real and P imaginary parts are multiplied.
class ComplexRow {
 public:
  explicit ComplexRow(const std::vector<Complex>& values)
      : p_(long(values.size())), real_twice_(Tensor::empty({2 * p_})), minus_and_plus_(Tensor::empty({2 * p_})) {
    for (long k = 0; k < p_; ++k) {
      const Complex z = values[std::size_t(k)];
      real_twice_.data()[k] = real_twice_.data()[k + p_] = Real(z.real());
      minus_and_plus_.data()[k] = -(minus_and_plus_.data()[k + p_] = Real(z.imag()));
    }
  }

  /// y += z ∘ x.
  void multiply_add(const Real* x, Real* y) const {
    const Real *minus = minus_and_plus_.data(), *plus = minus + p_;
    kernels::multiply_add(real_twice_.data(), x, y, 2 * p_);
    kernels::multiply_add(minus, x + p_, y, p_);
    kernels::multiply_add(plus, x, y + p_, p_);
  }
  Complex operator[](long k) const { return {double(real_twice_.data()[k]), double(minus_and_plus_.data()[k + p_])}; }

 private:
  long p_;
  Tensor real_twice_, minus_and_plus_;
};

/// Calls visit(i, row, step) for row i of each sequence, i ≥ 1: from the first to the last, where step is 1, or if
/// `reversed` from the last to the first, where it is −1.
template <typename Visit>
void after_first(const SequenceLayout& layout, bool reversed, Visit visit) {
  const long step = reversed ? -1 : 1;
  for (long s = 0; s < layout.count(); ++s) {
    const long first = reversed ? layout.begin(s + 1) - 1 : layout.begin(s);
    for (long i = 1; i < layout.size(s); ++i) visit(i, first + i * step, step);
  }
}

/// In place of b: x_t = s ∘ x_{t−1} + b_t.
void scan_states(const std::vector<Complex>& powers, const SequenceLayout& layout, bool reversed, Tensor& x) {
  const long width = x.dim(1);
  const ComplexRow rounded(powers);
  std::vector<Complex> errors;
  for (std::size_t k = 0; k < powers.size(); ++k)
    errors.push_back(squared(powers[k], kSpanSquarings) - squared(rounded[long(k)], kSpanSquarings));
  const ComplexRow correction(errors);
  after_first(layout, reversed, [&](long i, long t, long step) {
    Real* row = x.data() + t * width;
    rounded.multiply_add(row - step * width, row);
    if (i % kSpan == 0) correction.multiply_add(row - step * kSpan * width, row);
  });
  Context::current().work.flops += 4.0 * double(x.size());
}

/// Adds to each sequence's first row its states before it (S,2P) times the powers. Spans begin anew with every pass, so
/// the rounding error of the powers is corrected here.
void add_carried(const std::vector<Complex>& powers, const SequenceLayout& layout, const Tensor& before, Tensor& x) {
  const long width = x.dim(1);
  const ComplexRow rounded(powers);
  std::vector<Complex> errors;
  for (std::size_t k = 0; k < powers.size(); ++k) errors.push_back(powers[k] - rounded[long(k)]);
  const ComplexRow correction(errors);
  for (long s = 0; s < layout.count(); ++s) {
    Real* row = x.data() + layout.begin(s) * width;
    rounded.multiply_add(before.data() + s * width, row);
    correction.multiply_add(before.data() + s * width, row);
  }
}

/// Σ conj(x_{t−1}) ∘ dx_t, where dx are the gradients of the states x: in Real for kSpan rows, then in double.
std::vector<Complex> gradient_of_powers(const SequenceLayout& layout, bool reversed, const Tensor& x,
                                        const Tensor& dx) {
  const long width = x.dim(1), p = width / 2;
  Tensor span = Tensor::zeros({2 * width});  // Σ of real·real, imaginary·imaginary, real·imaginary, imaginary·real
  std::vector<double> sums(std::size_t(2 * width));
  const auto close_span = [&] {
    for (long k = 0; k < 2 * width; ++k) sums[std::size_t(k)] += double(span.data()[k]);
    kernels::fill(span.data(), 2 * width, 0);
  };
  long rows = 0;
  after_first(layout, reversed, [&](long, long t, long step) {
    const Real *row = dx.data() + t * width, *before = x.data() + (t - step) * width;
    kernels::multiply_add(before, row, span.data(), width);
    kernels::multiply_add(before, row + p, span.data() + width, p);
    kernels::multiply_add(before + p, row, span.data() + width + p, p);
    if (++rows % kSpan == 0) close_span();
  });
  close_span();
  std::vector<Complex> all;
  for (std::size_t k = 0, n = std::size_t(p); k < n; ++k)
    all.emplace_back(sums[k] + sums[k + n], sums[k + 2 * n] - sums[k + 3 * n]);
  Context::current().work.flops += 4.0 * double(x.size());
  return all;
}

void expect_state_row(const Tensor& matrix, const Tensor& log_steps, Discretisation method, const char* op) {
  expect_matrix(log_steps, op, "log_steps");
  const long p = log_steps.dim(1);
  expect_input(log_steps, {1, p}, op, "log_steps");
  expect_input(matrix, {1, 2 * p}, op, "matrix");
  if (p < 1) fail("[{}] there are no states", op);
  if (method == Discretisation::softmax) fail("[{}] softmax has no recurrence", op);
}

}  // namespace

Tensor state_scan(const Tensor& matrix, const Tensor& log_steps, Tensor b, Discretisation method,
                  const SequenceLayout& layout, Direction direction) {
  expect_state_row(matrix, log_steps, method, "state_scan");
  expect_packed(b, layout, "state_scan", "b");
  expect_input(b, {b.dim(0), matrix.dim(1)}, "state_scan", "b");
  expect_steps(direction == Direction::forward, "state_scan", kSeesLaterTokens);
  if (direction == Direction::both)
    return subtract(add(state_scan(matrix, log_steps, b, method, layout, Direction::forward),
                        state_scan(matrix, log_steps, b, method, layout, Direction::backward)),
                    b);
  const bool reversed = direction == Direction::backward;
  std::vector<Complex> powers;
  for (const DiscretisedState& state : StateRow(matrix, log_steps, method).all) powers.push_back(state.s);
  Tensor x = b.sole_owner() ? b : Tensor::copy_of(b);
  Tensor before = stepping() ? carried_state({layout.count(), x.dim(1)}) : Tensor();
  if (stepping()) add_carried(powers, layout, before, x);
  scan_states(powers, layout, reversed, x);
  carry_last_rows(x, layout, before);
  return record(x, [matrix, log_steps, b = b.without_data(), method, layout, reversed, x](Tensor dx) {
    const StateRow states(matrix, log_steps, method);
    std::vector<Complex> conjugates;
    for (const DiscretisedState& state : states.all) conjugates.push_back(std::conj(state.s));
    scan_states(conjugates, layout, !reversed, dx);
    std::vector<Complex> by_rate = gradient_of_powers(layout, reversed, x, dx);
    for (std::size_t k = 0; k < by_rate.size(); ++k)
      by_rate[k] = product(by_rate[k], std::conj(product(states.all[k].s_slope, states.all[k].s)));
    states.add_gradients(by_rate, matrix, log_steps);
    accumulate_gradient(b, std::move(dx));
  });
}

Tensor state_inputs(const Tensor& matrix, const Tensor& log_steps, const Tensor& w, Discretisation method) {
  expect_state_row(matrix, log_steps, method, "state_inputs");
  expect_matrix(w, "state_inputs", "w");
  const long p = log_steps.size(), c = w.dim(1);
  expect_input(w, {2 * p, c}, "state_inputs", "w");
  Tensor y = Tensor::empty(w.shape());
  const StateRow states(matrix, log_steps, method);
  const auto at = [c, p](const Tensor& x, long k, long i) {
    return Complex(x.data()[k * c + i], x.data()[(k + p) * c + i]);
  };
  for (long k = 0; k < p; ++k)
    for (long i = 0; i < c; ++i) {
      const Complex z = product(states.steps[std::size_t(k)] * states.all[std::size_t(k)].g, at(w, k, i));
      y.data()[k * c + i] = Real(z.real());
      y.data()[(k + p) * c + i] = Real(z.imag());
    }
  return record(std::move(y), [matrix, log_steps, w, method, at, p, c](Tensor dy) {
    const StateRow same(matrix, log_steps, method);
    Tensor dw = zeroed_gradient_sink(w), dlog_steps = zeroed_gradient_sink(log_steps);
    std::vector<Complex> by_rate;
    for (long k = 0; k < p; ++k) {
      const DiscretisedState& state = same.all[std::size_t(k)];
      const double step = same.steps[std::size_t(k)];
      Complex by_factor = 0;
      for (long i = 0; i < c; ++i) {
        const Complex gradient = at(dy, k, i), z = product(std::conj(step * state.g), gradient);
        by_factor += product(std::conj(at(w, k, i)), gradient);
        dw.data()[k * c + i] += Real(z.real());
        dw.data()[(k + p) * c + i] += Real(z.imag());
      }
      dlog_steps.data()[k] += Real(step * product(std::conj(by_factor), state.g).real());
      by_rate.push_back(product(std::conj(step * state.g_slope), by_factor));
    }
    same.add_gradients(by_rate, matrix, log_steps);
  });
}

}  // namespace lra::inline LRA_ENGINE
