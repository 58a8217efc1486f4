/// Linear recurrences along sequences, feature by feature.
#include <cmath>
#include <vector>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/recurrences.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Multiplies rows of C real parts and C imaginary parts by e^{iθ}, or by e^{−iθ} if `inverse`. Without angles rows are
/// real and stay as they are. The factors are rounded, so that the phase of what a state keeps is off by up to a unit
/// in the last place per token.
class Turn {
 public:
  Turn(const Tensor& angles, bool inverse) {
    if (!angles.defined()) return;
    const long c = angles.size();
    cosine_ = Tensor::empty({c}), sine_ = Tensor::empty({c}), minus_sine_ = Tensor::empty({c});
    turned_ = Tensor::empty({2 * c});
    for (long i = 0; i < c; ++i) {
      const double angle = inverse ? -double(angles.data()[i]) : double(angles.data()[i]);
      cosine_.data()[i] = Real(std::cos(angle));
      sine_.data()[i] = Real(std::sin(angle));
      minus_sine_.data()[i] = -sine_.data()[i];
    }
  }

  /// The result is valid until the next call.
  const Real* operator()(const Real* row) {
    if (!turned_.defined()) return row;
    const long c = cosine_.size();
    Real *real = turned_.data(), *imaginary = real + c;
    kernels::copy(row, real, 2 * c);
    kernels::multiply(cosine_.data(), real, c);
    kernels::multiply(cosine_.data(), imaginary, c);
    kernels::multiply_add(minus_sine_.data(), row + c, real, c);
    kernels::multiply_add(sine_.data(), row, imaginary, c);
    return real;
  }

 private:
  Tensor cosine_, sine_, minus_sine_, turned_;
};

/// Calls visit(row, row before it) for every row that has one, from the first token of each sequence to the last, or
/// from the last to the first if `reversed`.
template <typename Visit>
void along(const SequenceLayout& layout, bool reversed, Visit visit) {
  for (long s = 0; s < layout.count(); ++s)
    for (long i = 1; i < layout.size(s); ++i) {
      const long t = reversed ? layout.begin(s + 1) - 1 - i : layout.begin(s) + i;
      visit(t, reversed ? t + 1 : t - 1);
    }
}

/// In place of b: h_t = a_t ∘ e^{iθ} ∘ h_{t−1} + b_t. The adjoint, g_t = a_{t+1} ∘ e^{−iθ} ∘ g_{t+1} + dy_t in place of
/// dy, is the same in the opposite direction but for the token that a belongs to.
void scan(const Tensor& a, const Tensor& angles, const SequenceLayout& layout, bool reversed, bool adjoint, Tensor& h) {
  const long c = a.dim(1), width = h.dim(1);
  Turn turn(angles, adjoint);
  along(layout, reversed != adjoint, [&](long t, long before) {
    const Real *weight = a.data() + (adjoint ? before : t) * c, *state = turn(h.data() + before * width);
    for (long part = 0; part < width; part += c)
      kernels::multiply_add(weight, state + part, h.data() + t * width + part, c);
  });
  Context::current().work.flops += double(h.dim(0) * c) * (angles.defined() ? 10 : 2);
}

/// Adds to each sequence's first row what the state before it (S,C) becomes there.
void add_carried(const Tensor& a, const Tensor& angles, const SequenceLayout& layout, const Tensor& state, Tensor& h) {
  const long c = a.dim(1), width = h.dim(1);
  Turn turn(angles, false);
  for (long s = 0; s < layout.count(); ++s) {
    const long t = layout.begin(s);
    const Real* turned = turn(state.data() + s * width);
    for (long part = 0; part < width; part += c)
      kernels::multiply_add(a.data() + t * c, turned + part, h.data() + t * width + part, c);
  }
}

/// Adds the gradients of a and of the angles, given the states h and their gradients g.
void add_gradients(const Tensor& a, const Tensor& angles, const SequenceLayout& layout, bool reversed, const Tensor& h,
                   const Tensor& g) {
  const long c = a.dim(1), width = h.dim(1);
  Tensor da = zeroed_gradient_sink(a);
  std::vector<double> dangles(angles.defined() ? std::size_t(c) : 0);
  Turn turn(angles, false);
  along(layout, reversed, [&](long t, long before) {
    const Real *state = turn(h.data() + before * width), *dh = g.data() + t * width, *weight = a.data() + t * c;
    for (long part = 0; part < width; part += c) kernels::multiply_add(dh + part, state + part, da.data() + t * c, c);
    for (long i = 0; i < long(dangles.size()); ++i)  // i·state, times dh
      dangles[std::size_t(i)] +=
          double(weight[i]) * (double(dh[c + i]) * double(state[i]) - double(dh[i]) * double(state[c + i]));
  });
  Context::current().work.flops += double(h.dim(0) * c) * (angles.defined() ? 15 : 2);
  if (!angles.defined()) return;
  Tensor sink = zeroed_gradient_sink(angles);
  for (long i = 0; i < c; ++i) sink.data()[i] += Real(dangles[std::size_t(i)]);
}

}  // namespace

Tensor gated_scan(const Tensor& a, Tensor b, const SequenceLayout& layout, Direction direction, const Tensor& angles) {
  constexpr const char* kOp = "gated_scan";
  expect_packed(a, layout, kOp, "a");
  if (angles.defined()) expect_input(angles, {1, a.dim(1)}, kOp, "angles");
  expect_input(b, {a.dim(0), (angles.defined() ? 2 : 1) * a.dim(1)}, kOp, "b");
  expect_steps(direction == Direction::forward, kOp, kSeesLaterTokens);
  if (direction == Direction::both)
    return subtract(add(gated_scan(a, b, layout, Direction::forward, angles),
                        gated_scan(a, b, layout, Direction::backward, angles)),
                    b);
  const bool reversed = direction == Direction::backward;
  Tensor h = b.sole_owner() ? b : Tensor::copy_of(b);
  Tensor state = stepping() ? carried_state({layout.count(), h.dim(1)}) : Tensor();
  if (stepping()) add_carried(a, angles, layout, state, h);
  scan(a, angles, layout, reversed, false, h);
  carry_last_rows(h, layout, state);
  return record(h, [a, b = b.without_data(), layout, angles, reversed, h](Tensor g) {
    scan(a, angles, layout, reversed, true, g);
    add_gradients(a, angles, layout, reversed, h, g);
    accumulate_gradient(b, std::move(g));
  });
}

}  // namespace lra::inline LRA_ENGINE
