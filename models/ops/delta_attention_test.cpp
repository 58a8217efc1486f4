/// Attention by the delta rule against its recurrence and the derivative of that, token by token in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "models/ops/ops.h"
#include "models/ops/recurrences.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

/// One head of one sequence; beta and log_decay have one column.
struct DeltaCase {
  Dense q, k, v, beta, log_decay, dy;
};

struct DeltaResults {
  Dense y, dq, dk, dv, dbeta, dlog_decay;
  explicit DeltaResults(const DeltaCase& x)
      : y(x.v.rows, x.v.cols), dq(x.q.rows, x.q.cols), dk(dq), dv(y), dbeta(x.v.rows, 1), dlog_decay(dbeta) {}
  std::vector<Dense*> all() { return {&y, &dq, &dk, &dv, &dbeta, &dlog_decay}; }
};

/// What row t of x reads in a column of a state.
double read(const Dense& state, const Dense& x, long t, long column) {
  double sum = 0;
  for (long f = 0; f < state.rows; ++f) sum += state.at(f, column) * x.at(t, f);
  return sum;
}

/// F ← a_t·S, e_t = v_t − Fᵀ·k_t, S ← F + β_t·k_t·e_tᵀ, y_t = Sᵀ·q_t, and back.
DeltaResults delta_rule(const DeltaCase& x) {
  const long n = x.q.rows, m = x.q.cols, d = x.v.cols;
  DeltaResults r(x);
  std::vector<Dense> faded, states;
  Dense errors(n, d);
  for (long t = 0; t < n; ++t) {
    Dense state = t > 0 ? states.back() : Dense(m, d);
    for (double& value : state.v) value *= std::exp(x.log_decay.at(t, 0));
    faded.push_back(state);
    for (long c = 0; c < d; ++c) errors.at(t, c) = x.v.at(t, c) - read(state, x.k, t, c);
    for (long f = 0; f < m; ++f)
      for (long c = 0; c < d; ++c) state.at(f, c) += x.beta.at(t, 0) * x.k.at(t, f) * errors.at(t, c);
    states.push_back(state);
    for (long c = 0; c < d; ++c) r.y.at(t, c) = read(state, x.q, t, c);
  }
  Dense later(m, d);  // the gradient of states[t]
  for (long t = n - 1; t >= 0; --t) {
    const Dense &before = faded[std::size_t(t)], &after = states[std::size_t(t)];
    const double beta = x.beta.at(t, 0);
    for (long f = 0; f < m; ++f)
      for (long c = 0; c < d; ++c) {
        r.dq.at(t, f) += after.at(f, c) * x.dy.at(t, c);
        later.at(f, c) += x.q.at(t, f) * x.dy.at(t, c);
      }
    for (long c = 0; c < d; ++c) {
      const double written = read(later, x.k, t, c);
      r.dbeta.at(t, 0) += written * errors.at(t, c);
      r.dv.at(t, c) = beta * written;
    }
    for (long f = 0; f < m; ++f)
      for (long c = 0; c < d; ++c) {
        r.dk.at(t, f) += later.at(f, c) * beta * errors.at(t, c) - before.at(f, c) * r.dv.at(t, c);
        later.at(f, c) -= x.k.at(t, f) * r.dv.at(t, c);
        r.dlog_decay.at(t, 0) += later.at(f, c) * before.at(f, c);
        later.at(f, c) *= std::exp(x.log_decay.at(t, 0));
      }
  }
  return r;
}

/// β_t·(q_t·k_t)·v_t, and back.
DeltaResults own_writes(const DeltaCase& x) {
  DeltaResults r(x);
  for (long t = 0; t < x.q.rows; ++t) {
    const double beta = x.beta.at(t, 0);
    double score = 0, dscore = 0;
    for (long f = 0; f < x.q.cols; ++f) score += x.q.at(t, f) * x.k.at(t, f);
    for (long c = 0; c < x.v.cols; ++c) {
      r.y.at(t, c) = beta * score * x.v.at(t, c);
      r.dv.at(t, c) = beta * score * x.dy.at(t, c);
      dscore += x.v.at(t, c) * x.dy.at(t, c);
    }
    r.dbeta.at(t, 0) = score * dscore;
    for (long f = 0; f < x.q.cols; ++f) {
      r.dq.at(t, f) = beta * dscore * x.k.at(t, f);
      r.dk.at(t, f) = beta * dscore * x.q.at(t, f);
    }
  }
  return r;
}

Dense upside_down(const Dense& x) {
  Dense y(x.rows, x.cols);
  for (long i = 0; i < x.rows; ++i)
    for (long c = 0; c < x.cols; ++c) y.at(i, c) = x.at(x.rows - 1 - i, c);
  return y;
}

/// The passes of a direction, added up.
DeltaResults delta_expected(const DeltaCase& x, Direction direction) {
  if (direction == Direction::forward) return delta_rule(x);
  DeltaResults back = delta_rule({upside_down(x.q), upside_down(x.k), upside_down(x.v), upside_down(x.beta),
                                  upside_down(x.log_decay), upside_down(x.dy)});
  for (Dense* part : back.all()) *part = upside_down(*part);
  if (direction == Direction::backward) return back;
  DeltaResults sum = delta_rule(x), own = own_writes(x);
  for (std::size_t part = 0; part < sum.all().size(); ++part)
    for (std::size_t i = 0; i < sum.all()[part]->v.size(); ++i)
      sum.all()[part]->v[i] += back.all()[part]->v[i] - own.all()[part]->v[i];
  return sum;
}

Dense drawn(long rows, long cols, const std::string& name) {
  return {rows, cols, rounded(random_numbers(std::size_t(rows * cols), name))};
}

Dense mapped(Dense x, double (*f)(double)) {
  for (double& value : x.v) value = f(value);
  return x;
}

double gate(double x) { return -std::log1p(std::exp(-5 * x)); }
double strength(double x) { return 2 / (1 + std::exp(-x)); }

/// Rows of length 1.
Dense normalised(Dense x) {
  for (long i = 0; i < x.rows; ++i) {
    double square = 0;
    for (long c = 0; c < x.cols; ++c) square += x.at(i, c) * x.at(i, c);
    for (long c = 0; c < x.cols; ++c) x.at(i, c) /= std::sqrt(square);
  }
  return x;
}

// In double; the derivatives of these cases are among those that EveryOp checks.
TEST(DeltaAttention, EqualsItsRecurrence) {
  for (const long n : {1, 3, 17, 63, 65, 131, 290})
    for (const bool gated : {false, true}) {
      const Dense q = drawn(n, 6, "q"), k = drawn(n, 6, "k"), v = drawn(n, 4, "v"), beta = drawn(n, 2, "beta");
      const Dense x = gated ? drawn(n, 2, "x") : Dense(n, 2);
      const Dense y = by_heads(2, [&](long h) {
        Dense log_decay = of_head(x, h, 2);
        if (gated) log_decay = mapped(log_decay, gate);
        return delta_expected({of_head(q, h, 2), normalised(of_head(k, h, 2)), of_head(v, h, 2),
                               mapped(of_head(beta, h, 2), strength), log_decay, Dense(n, 2)},
                              Direction::both)
            .y;
      });
      const std::string name = "delta_attention, " + std::to_string(n) + (gated ? ", gated, both" : ", both");
      std::vector<Numbers> inputs = {q.v, k.v, v.v, beta.v};
      if (gated) inputs.push_back(x.v);
      EXPECT_LT(relative_error(f64::run_op(name, inputs, {}).result, y.v), 1e-10) << name;
    }
}

Tensor tensor_from(const Dense& x) {
  Tensor y = Tensor::empty({x.rows, x.cols});
  std::copy(x.v.begin(), x.v.end(), y.data());
  return y;
}

SequenceLayout one_of(long n) {
  SequenceLayout layout;
  layout.offsets = {0, n}, layout.sequences = {0}, layout.length = n;
  return layout;
}

/// Compares the float engine's result and gradients.
void expect_float_agrees(const DeltaCase& x, bool gated, Direction direction, const std::string& what) {
  const Worker worker;
  DeltaResults want = delta_expected(x, direction);
  std::vector<Tensor> gradients(5), inputs;
  const Training training;
  Tape tape({});
  for (const Dense* part : {&x.q, &x.k, &x.v, &x.beta, &x.log_decay})
    inputs.push_back(
        record(tensor_from(*part), [&gradients, i = inputs.size()](Tensor dx) { gradients[i] = std::move(dx); }));
  const Tensor y = delta_attention(inputs[0], inputs[1], inputs[2], inputs[3], gated ? inputs[4] : Tensor(), 1,
                                   one_of(x.q.rows), direction);
  accumulate_gradient(y, tensor_from(x.dy));
  tape.backward();
  const auto error = [](const Tensor& got, const Dense& exact) {
    return relative_error(Numbers(got.data(), got.data() + got.size()), exact.v);
  };
  EXPECT_LT(error(y, want.y), 1e-5) << what;
  for (std::size_t i = 0; i < (gated ? 5 : 4); ++i)
    EXPECT_LT(error(gradients[i], *want.all()[i + 1]), 1e-5) << what << ", gradient of input " << i;
}

// Decays that keep everything, almost everything or almost nothing, do both in turns, or forget everything now and
// then, with β from 0 to 2.
TEST(DeltaAttention, FloatEqualsTheRecurrenceAtAnyDecay) {
  const std::vector<std::pair<std::string, double (*)(long t)>> kinds = {
      {"none", [](long) { return 0.0; }},
      {"near 1", [](long t) { return -1e-5 * double(t % 7); }},
      {"near 0", [](long t) { return -30.0 - double(t % 9); }},
      {"mixed", [](long t) { return t % 11 == 0 ? -200.0 : -0.01 * double(t % 5); }},
      {"nothing left",
       [](long t) { return t % 37 == 5 ? -std::numeric_limits<double>::infinity() : -0.1 * double(t % 3); }}};
  for (const auto& [what, value] : kinds)
    for (const long n : {1, 3, 63, 65, 257, 4096, 16384})
      for (const Direction direction : {Direction::forward, Direction::backward, Direction::both}) {
        if (n > 257 && direction != Direction::both) continue;
        DeltaCase x{drawn(n, 9, "q"), mapped(normalised(drawn(n, 9, "k")), [](double k) { return double(float(k)); }),
                    drawn(n, 6, "v"), mapped(drawn(n, 1, "beta"), [](double b) { return double(float(strength(b))); }),
                    Dense(n, 1),      drawn(n, 6, "dy")};
        for (long t = 0; t < n; ++t) x.log_decay.at(t, 0) = double(float(value(t)));
        expect_float_agrees(x, what != "none", direction, what + ", " + std::to_string(n));
      }
}

/// Reads with each key in turn after everything has been written with β = 1, and without writing more.
Numbers read_back(const Dense& keys, const Dense& values) {
  const Worker worker;
  const Tensor k = tensor_from(below(keys, keys)), v = tensor_from(below(values, values));
  Tensor beta = Tensor::zeros({2 * keys.rows, 1});
  std::fill(beta.data(), beta.data() + keys.rows, Real(1));
  const Tensor y = delta_attention(k, k, v, beta, {}, 1, one_of(2 * keys.rows));
  return Numbers(y.data() + keys.rows * values.cols, y.data() + y.size());
}

// Source: Yang et al. arXiv:2406.06484, §2.2: with β = 1 a value takes the place of what was stored under its key.
TEST(DeltaAttention, RecallsTheLastValueOfEachKey) {
  const long n = 70, m = 80;
  Dense keys(n, m);
  for (long t = 0; t < n; ++t) keys.at(t, (t * 37) % m) = 1;
  const Dense values = drawn(n, 6, "values");
  EXPECT_LT(relative_error(read_back(keys, values), values.v), 1e-6);

  for (long f = 0; f < m; ++f) keys.at(n - 1, f) = keys.at(3, f);  // the last value replaces another
  Dense now = values;
  for (long c = 0; c < values.cols; ++c) now.at(3, c) = values.at(n - 1, c);
  EXPECT_LT(relative_error(read_back(keys, values), now.v), 1e-6);
}

TEST(DeltaAttention, RefusesGatesOfAnotherShape) {
  const Tensor x = Tensor::ones({4, 6}), gates = Tensor::zeros({4, 2});
  for (const Shape& shape : {Shape{4, 6}, Shape{1, 2}, Shape{4, 1}}) {
    EXPECT_THROW(delta_attention(x, x, x, Tensor::zeros(shape), gates, 2, one_of(4)), std::exception) << shape.text();
    EXPECT_THROW(delta_attention(x, x, x, gates, Tensor::zeros(shape), 2, one_of(4)), std::exception) << shape.text();
  }
}

}  // namespace
}  // namespace lra
