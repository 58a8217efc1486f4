/// Recurrent cells along sequences: at each step those that have not ended multiply the same weights, as one product.
#include <algorithm>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/recurrences.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Which rows take step t: the sequences are in order of length, the longest first, so that those which still run are
/// the first ones.
class Steps {
 public:
  Steps(const SequenceLayout& layout, bool reversed)
      : layout_(layout), reversed_(reversed), order_(std::size_t(layout.count())) {
    std::iota(order_.begin(), order_.end(), 0L);
    std::stable_sort(order_.begin(), order_.end(), [&](long a, long b) { return layout.size(a) > layout.size(b); });
    long n = layout.count();
    for (long t = 0; t < layout.longest(); ++t) {
      while (layout.size(order_[std::size_t(n - 1)]) <= t) --n;
      running_.push_back(n);
    }
  }

  long count() const { return long(running_.size()); }
  long sequences() const { return layout_.count(); }
  long running(long t) const { return running_[std::size_t(t)]; }
  /// The packed row of the i-th sequence at step t; before the first step of sequence s it is −1 − s.
  long row(long i, long t) const {
    const long s = order_[std::size_t(i)];
    if (t < 0) return -1 - s;
    return reversed_ ? layout_.begin(s + 1) - 1 - t : layout_.begin(s) + t;
  }

  /// Row by row of x (T,H), the row of the step before; zeros at first steps.
  Tensor before(const Tensor& x) const {
    const long h = x.dim(1);
    Tensor y = Tensor::zeros(x.shape());
    for (long s = 0; s < layout_.count(); ++s) {
      const long begin = layout_.begin(s), moved = layout_.size(s) - 1;
      kernels::copy(x.data() + (reversed_ ? begin + 1 : begin) * h, y.data() + (reversed_ ? begin : begin + 1) * h,
                    moved * h);
    }
    return y;
  }

 private:
  SequenceLayout layout_;
  bool reversed_;
  std::vector<long> order_, running_;
};

/// A row for each running sequence. Products take blocks of kRows rows whatever their number, because those of other
/// numbers of rows have other bits, and a sequence must not depend on how many others run; nobody reads the rows beyond
/// the running ones.
class StepRows {
 public:
  StepRows(const Steps& steps, long width)
      : values_(Tensor::zeros({(steps.sequences() + kRows - 1) / kRows * kRows, width})) {}
  Real* row(long i) { return values_.data() + i * values_.dim(1); }
  /// The first n rows become those of a · w, or of a · wᵀ.
  void multiply(StepRows& a, const Tensor& w, bool transpose_w, long n) {
    {
      const Uncounted padding;
      for (long i = 0; i < n; i += kRows) kernels::gemm(a.block(i), false, w.matrix(), transpose_w, block(i));
    }
    Context::current().work.flops += 2.0 * double(n) * double(w.size());
  }

 private:
  static constexpr long kRows = 16;

  View block(long i) { return {row(i), kRows, values_.dim(1), values_.dim(1)}; }

  Tensor values_;
};

/// Calls cell(row, row before, product) for every token in the order of steps; product is the row of h·wᵀ for the state
/// h before, at the first step that of `start` (S,H). The cell writes its state to its row of y.
template <typename Cell>
void run_forward(const Steps& steps, const Tensor& w, const Tensor& start, const Tensor& y, Cell cell) {
  const long h = w.dim(1);
  StepRows states(steps, h), products(steps, w.dim(0));
  for (long i = 0; stepping() && i < steps.sequences(); ++i)
    kernels::copy(start.data() + (-1 - steps.row(i, -1)) * h, states.row(i), h);
  for (long t = 0; t < steps.count(); ++t) {
    const long n = steps.running(t);
    if (t > 0 || stepping()) products.multiply(states, w, true, n);
    for (long i = 0; i < n; ++i) {
      const long row = steps.row(i, t);
      cell(row, steps.row(i, t - 1), products.row(i));
      kernels::copy(y.data() + row * h, states.row(i), h);
    }
  }
}

/// Calls cell(i, row, row before, gradient of the product) for every token, the last step first. The i-th
/// sequence's row of dy is then the gradient of its state, to which later steps have been added; the cell writes the
/// gradient of the product.
template <typename Cell>
void run_backward(const Steps& steps, const Tensor& w, Tensor& dy, Cell cell) {
  const long h = w.dim(1);
  StepRows dstates(steps, h), dproducts(steps, w.dim(0));
  for (long t = steps.count() - 1; t >= 0; --t) {
    const long n = steps.running(t);
    for (long i = 0; i < n; ++i) cell(i, steps.row(i, t), steps.row(i, t - 1), dproducts.row(i));
    if (t == 0) return;
    dstates.multiply(dproducts, w, false, n);
    for (long i = 0; i < n; ++i) kernels::add(dstates.row(i), dy.data() + steps.row(i, t - 1) * h, h);
  }
}

/// In place: 1 / (1 + e^−x).
void squash(Real* x, long n) {
  kernels::scale(x, n, -1);
  kernels::exponential(x, x, n);
  for (long k = 0; k < n; ++k) x[k] = 1 / (1 + x[k]);
}

/// In place: tanh x = 2σ(2x) − 1, to a unit in the last place of 1, not of the result.
void squash_both_sides(Real* x, long n) {
  kernels::scale(x, n, 2);
  squash(x, n);
  for (long k = 0; k < n; ++k) x[k] = 2 * x[k] - 1;
}

/// The memory of `x` as a constant if no other tensor shares it, or a copy.
Tensor own(const Tensor& x) {
  Tensor y = x.sole_owner() ? x : Tensor::copy_of(x);
  y.set_slot(nullptr), y.set_parameter(-1);
  return y;
}

/// Checks the inputs of a cell with `count` gates. Returns the number of its states' features.
long expect_cell(const Tensor& gates, const Tensor& w, long count, const SequenceLayout& layout, const char* op) {
  expect_matrix(w, op, "w");
  const long h = w.dim(1);
  expect_input(w, {count * h, h}, op, "w");
  expect_input(gates, {layout.tokens(), count * h}, op, "gates");
  return h;
}

/// Row `row` of x (T,H), or for −1 − s the row of sequence s in `start` (S,H).
const Real* row_of(const Tensor& x, const Tensor& start, long row) {
  return row < 0 ? start.data() + (-1 - row) * start.dim(1) : x.data() + row * x.dim(1);
}

}  // namespace

Tensor lstm(Tensor gates, const Tensor& w, const SequenceLayout& layout, bool reversed) {
  const long h = expect_cell(gates, w, 4, layout, "lstm"), tokens = layout.tokens();
  const Steps steps(layout, reversed);
  Tensor a = own(gates), c = Tensor::empty({tokens, h}), y = Tensor::empty({tokens, h});
  expect_steps(!reversed, "lstm", kSeesLaterTokens);
  Tensor c_before = carried_state({layout.count(), h}), h_before = carried_state({layout.count(), h});
  run_forward(steps, w, h_before, y, [&](long row, long before, const Real* product) {
    Real *in = a.data() + row * 4 * h, *forget = in + h, *candidate = forget + h, *out = candidate + h;
    kernels::add(product, in, 4 * h);
    squash(in, 2 * h), squash_both_sides(candidate, h), squash(out, h);
    Real *cell = c.data() + row * h, *state = y.data() + row * h;
    const Real* kept = row_of(c, c_before, before);
    for (long k = 0; k < h; ++k) state[k] = cell[k] = forget[k] * kept[k] + in[k] * candidate[k];
    squash_both_sides(state, h);
    kernels::multiply(out, state, h);
  });
  carry_last_rows(c, layout, c_before), carry_last_rows(y, layout, h_before);
  return record(y, [gates = gates.without_data(), w, steps, a, c, c_before, y, h](Tensor dy) mutable {
    StepRows dcells(steps, h);
    std::vector<Real> tanh(std::size_t(h), 0);
    run_backward(steps, w, dy, [&](long i, long row, long before, Real* dproduct) {
      Real *in = a.data() + row * 4 * h, *forget = in + h, *candidate = forget + h, *out = candidate + h;
      const Real *kept = row_of(c, c_before, before), *dh = dy.data() + row * h;
      kernels::copy(c.data() + row * h, tanh.data(), h);
      squash_both_sides(tanh.data(), h);
      Real* carried = dcells.row(i);
      for (long k = 0; k < h; ++k) {
        const Real s = tanh[std::size_t(k)], dc = carried[k] + dh[k] * out[k] * (1 - s) * (1 + s);
        carried[k] = dc * forget[k];
        out[k] = dh[k] * s * out[k] * (1 - out[k]);
        forget[k] = dc * kept[k] * forget[k] * (1 - forget[k]);
        const Real before_in = in[k];
        in[k] = dc * candidate[k] * in[k] * (1 - in[k]);
        candidate[k] = dc * before_in * (1 - candidate[k]) * (1 + candidate[k]);
      }
      kernels::copy(in, dproduct, 4 * h);
    });
    if (wants_gradient(w)) {
      GradientSink dw = gradient_sink(w);
      kernels::gemm(a.matrix(), true, steps.before(y).matrix(), false, dw.gradient.matrix(), dw.add);
    }
    accumulate_gradient(gates, std::move(a));
  });
}

Tensor gru(Tensor gates, const Tensor& w, const Tensor& bias, const SequenceLayout& layout, bool reversed) {
  const long h = expect_cell(gates, w, 3, layout, "gru"), tokens = layout.tokens();
  expect_input(bias, {h}, "gru", "bias");
  const Steps steps(layout, reversed);
  Tensor a = own(gates), recalled = Tensor::empty({tokens, h}), y = Tensor::empty({tokens, h});
  expect_steps(!reversed, "gru", kSeesLaterTokens);
  Tensor h_before = carried_state({layout.count(), h});
  run_forward(steps, w, h_before, y, [&](long row, long before, const Real* product) {
    Real *reset = a.data() + row * 3 * h, *update = reset + h, *candidate = update + h;
    Real *recall = recalled.data() + row * h, *state = y.data() + row * h;
    kernels::add(product, reset, 2 * h);
    squash(reset, 2 * h);
    kernels::copy(product + 2 * h, recall, h);
    kernels::add(bias.data(), recall, h);
    kernels::multiply_add(reset, recall, candidate, h);
    squash_both_sides(candidate, h);
    const Real* kept = row_of(y, h_before, before);
    for (long k = 0; k < h; ++k) state[k] = candidate[k] + update[k] * (kept[k] - candidate[k]);
  });
  carry_last_rows(y, layout, h_before);
  return record(y, [gates = gates.without_data(), w, bias, steps, a, recalled, y, h, h_before](Tensor dy) mutable {
    run_backward(steps, w, dy, [&](long, long row, long before, Real* dproduct) {
      Real *reset = a.data() + row * 3 * h, *update = reset + h, *candidate = update + h;
      Real *recall = recalled.data() + row * h, *dh = dy.data() + row * h;
      if (before >= 0) kernels::multiply_add(dh, update, dy.data() + before * h, h);
      const Real* kept = row_of(y, h_before, before);
      for (long k = 0; k < h; ++k) {
        const Real z = update[k], r = reset[k], n = candidate[k];
        candidate[k] = dh[k] * (1 - z) * (1 - n) * (1 + n);
        update[k] = dh[k] * (kept[k] - n) * z * (1 - z);
        reset[k] = candidate[k] * recall[k] * r * (1 - r);
        recall[k] = candidate[k] * r;
      }
      kernels::copy(reset, dproduct, 2 * h);
      kernels::copy(recall, dproduct + 2 * h, h);
    });
    if (wants_gradient(w)) {
      GradientSink dw = gradient_sink(w);
      const Tensor states = steps.before(y);
      View of_gates = dw.gradient.matrix(), of_candidate = of_gates;
      of_gates.rows = 2 * h, of_candidate.rows = h, of_candidate.data += 2 * h * h;
      kernels::gemm({a.data(), a.dim(0), 2 * h, 3 * h}, true, states.matrix(), false, of_gates, dw.add);
      kernels::gemm(recalled.matrix(), true, states.matrix(), false, of_candidate, dw.add);
    }
    if (wants_gradient(bias)) kernels::add_column_sums(recalled.matrix(), zeroed_gradient_sink(bias).data());
    accumulate_gradient(gates, std::move(a));
  });
}

}  // namespace lra::inline LRA_ENGINE
