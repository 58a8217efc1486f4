/// Attention whose keys decay against its recurrence and the derivative of that, token by token in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
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

struct Results {
  Dense y, dq, dk, dv, dlog_decay;
};

/// One head of one sequence: S ← diag(a_t)·S + k_t·v_tᵀ, y_t = Sᵀ·q_t, and back: dS ← diag(a_{t+1})·dS + q_t·dy_tᵀ.
/// With `strict`, y_t is read before k_t·v_tᵀ is added.
Results recurrence(const Dense& q, const Dense& k, const Dense& v, const Dense& log_decay, const Dense& dy,
                   bool strict) {
  const long n = q.rows, m = q.cols, d = v.cols;
  Results r{Dense(n, d), Dense(n, m), Dense(n, m), Dense(n, d), Dense(n, m)};
  const auto decay = [&](long t, long f) { return std::exp(log_decay.at(t, f)); };
  std::vector<Dense> faded, states;  // before and after k_t·v_tᵀ
  for (long t = 0; t < n; ++t) {
    Dense state = t > 0 ? states.back() : Dense(m, d);
    for (long f = 0; f < m; ++f)
      for (long c = 0; c < d; ++c) state.at(f, c) *= decay(t, f);
    faded.push_back(state);
    for (long f = 0; f < m; ++f)
      for (long c = 0; c < d; ++c) state.at(f, c) += k.at(t, f) * v.at(t, c);
    states.push_back(state);
    for (long f = 0; f < m; ++f)
      for (long c = 0; c < d; ++c) r.y.at(t, c) += (strict ? faded : states).back().at(f, c) * q.at(t, f);
  }
  Dense later(m, d);  // the gradient of states[t]
  for (long t = n - 1; t >= 0; --t)
    for (long f = 0; f < m; ++f)
      for (long c = 0; c < d; ++c) {
        const double read = q.at(t, f) * dy.at(t, c), before = faded[std::size_t(t)].at(f, c);
        r.dq.at(t, f) += (strict ? before : states[std::size_t(t)].at(f, c)) * dy.at(t, c);
        const double after = later.at(f, c) + (strict ? 0 : read), whole = later.at(f, c) + read;
        r.dk.at(t, f) += after * v.at(t, c);
        r.dv.at(t, c) += after * k.at(t, f);
        r.dlog_decay.at(t, f) += whole * before;
        later.at(f, c) = whole * decay(t, f);
      }
  return r;
}

Dense reversed(const Dense& x) {
  Dense y(x.rows, x.cols);
  for (long i = 0; i < x.rows; ++i)
    for (long c = 0; c < x.cols; ++c) y.at(i, c) = x.at(x.rows - 1 - i, c);
  return y;
}

void add(Dense& to, const Dense& x) {
  for (std::size_t i = 0; i < x.v.size(); ++i) to.v[i] += x.v[i];
}

/// The passes of a direction, added up.
Results expected(const Dense& q, const Dense& k, const Dense& v, const Dense& log_decay, const Dense& dy,
                 Direction direction) {
  if (direction == Direction::forward) return recurrence(q, k, v, log_decay, dy, false);
  Results back = recurrence(reversed(q), reversed(k), reversed(v), reversed(log_decay), reversed(dy),
                            direction == Direction::both);
  for (Dense* x : {&back.y, &back.dq, &back.dk, &back.dv, &back.dlog_decay}) *x = reversed(*x);
  if (direction == Direction::backward) return back;
  Results all = recurrence(q, k, v, log_decay, dy, false);
  add(all.y, back.y), add(all.dq, back.dq), add(all.dk, back.dk), add(all.dv, back.dv);
  add(all.dlog_decay, back.dlog_decay);
  return all;
}

constexpr Direction kDirections[] = {Direction::forward, Direction::backward, Direction::both};

Dense random(long rows, long cols, const std::string& name) {
  return {rows, cols, rounded(random_numbers(std::size_t(rows * cols), name))};
}

Tensor tensor_of(const Dense& x) {
  Tensor y = Tensor::empty({x.rows, x.cols});
  std::copy(x.v.begin(), x.v.end(), y.data());
  return y;
}

/// Rows whose numbers are all alike.
Dense repeated(const Dense& column, long cols) {
  Dense y(column.rows, cols);
  for (long i = 0; i < y.rows; ++i)
    for (long c = 0; c < cols; ++c) y.at(i, c) = column.at(i, 0);
  return y;
}

// In double; the derivatives of these cases are among those that EveryOp checks.
TEST(DecayedAttention, EqualsItsRecurrence) {
  const char* towards[] = {"forward", "backward", "both"};
  for (const long n : {1, 3, 17, 63, 65, 257, 290})
    for (const Direction direction : kDirections) {
      if (n != 290 && direction != Direction::both) continue;
      for (const bool is_alike : {false, true}) {
        if (n != 290 && is_alike) continue;
        const Dense q = random(n, 6, "q"), k = random(n, 6, "k"), v = random(n, 4, "v"),
                    x = random(n, is_alike ? 2 : 6, "x");
        Dense log_decay = x;
        for (double& value : log_decay.v) value = -std::log1p(std::exp(-5 * value));
        const Dense y = by_heads(2, [&](long h) {
          const Dense own = of_head(log_decay, h, 2);
          return expected(of_head(q, h, 2), of_head(k, h, 2), of_head(v, h, 2), is_alike ? repeated(own, 3) : own,
                          Dense(n, 2), direction)
              .y;
        });
        const std::string name = "decayed_attention, " + std::to_string(n) + ", decays of " +
                                 (is_alike ? "heads, " : "features, ") + towards[int(direction)];
        EXPECT_LT(relative_error(f64::run_op(name, {q.v, k.v, v.v, x.v}, {}).result, y.v), 1e-12) << name;
      }
    }
}

/// The sums of rows.
Dense row_sums(const Dense& x) {
  Dense y(x.rows, 1);
  for (long i = 0; i < x.rows; ++i)
    for (long c = 0; c < x.cols; ++c) y.at(i, 0) += x.at(i, c);
  return y;
}

/// The float engine's result and gradients for one head of 9 features, whose log decays have a column for each or one
/// for all.
void expect_float(const Dense& log_decay, Direction direction, const std::string& what) {
  const Worker worker;
  const long n = log_decay.rows, m = 9, d = 6;
  const bool is_alike = log_decay.cols == 1;
  const Dense q = random(n, m, "q"), k = random(n, m, "k"), v = random(n, d, "v"), dy = random(n, d, "dy");
  Results want = expected(q, k, v, is_alike ? repeated(log_decay, m) : log_decay, dy, direction);
  if (is_alike) want.dlog_decay = row_sums(want.dlog_decay);
  std::vector<Tensor> gradients(4), inputs;
  const Training training;
  Tape tape({});
  for (const Dense* x : {&q, &k, &v, &log_decay})
    inputs.push_back(
        record(tensor_of(*x), [&gradients, i = inputs.size()](Tensor dx) { gradients[i] = std::move(dx); }));
  SequenceLayout layout;
  layout.offsets = {0, n}, layout.sequences = {0}, layout.length = n;
  const Tensor y = decayed_attention(inputs[0], inputs[1], inputs[2], inputs[3], 1, layout, direction);
  accumulate_gradient(y, tensor_of(dy));
  tape.backward();
  const auto error = [](const Tensor& x, const Dense& exact) {
    return relative_error(Numbers(x.data(), x.data() + x.size()), exact.v);
  };
  EXPECT_LT(error(y, want.y), 1e-5) << what;
  EXPECT_LT(error(gradients[0], want.dq), 1e-5) << what;
  EXPECT_LT(error(gradients[1], want.dk), 1e-5) << what;
  EXPECT_LT(error(gradients[2], want.dv), 1e-5) << what;
  EXPECT_LT(error(gradients[3], want.dlog_decay), 1e-5) << what;
}

// Decays that keep almost everything, forget almost everything, do both in turns, or forget everything now and then.
TEST(DecayedAttention, FloatEqualsTheRecurrenceAtAnyDecay) {
  const std::vector<std::pair<std::string, std::function<double(long t, long f)>>> kinds = {
      {"near 1", [](long, long f) { return -1e-5 * double(f); }},
      {"near 0", [](long, long f) { return -30.0 - double(f); }},
      {"mixed", [](long t, long f) { return (t * 7 + f) % 11 == 0 ? -200.0 : -0.01 * double(f % 5); }},
      {"nothing left", [](long t, long f) {
         return (t + f) % 37 == 0 ? -std::numeric_limits<double>::infinity() : -0.1 * double(t % 3);
       }}};
  for (const auto& [what, value] : kinds)
    for (const long n : {1, 3, 63, 65, 257, 4096, 16384})
      for (const Direction direction : kDirections) {
        if (n > 257 && direction != Direction::both) continue;
        Dense log_decay(n, 9), alike(n, 1);
        for (long t = 0; t < n; ++t) {
          for (long f = 0; f < 9; ++f) log_decay.at(t, f) = double(float(value(t, f)));
          alike.at(t, 0) = log_decay.at(t, 4);
        }
        expect_float(log_decay, direction, what + ", " + std::to_string(n));
        expect_float(alike, direction, what + ", features alike, " + std::to_string(n));
      }
}

TEST(DecayedAttention, RefusesDecaysOfAnotherShape) {
  SequenceLayout layout;
  layout.offsets = {0, 4}, layout.sequences = {0}, layout.length = 4;
  const Tensor x = Tensor::ones({4, 6});
  for (const Shape& shape : {Shape{4, 3}, Shape{2, 2}, Shape{4, 12}})
    EXPECT_THROW(decayed_attention(x, x, x, Tensor::zeros(shape), 2, layout), std::exception) << shape.text();
}

}  // namespace
}  // namespace lra
