#include "models/autodiff/tape.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/permute.h"

namespace lra::inline LRA_ENGINE {
namespace {

void add_into(const Tensor& x, Tensor& y) { kernels::add(in_order_of(x, y).data(), y.data(), y.size()); }

/// The parameter's place in the flat gradient buffer, in the parameter's own layout.
Tensor parameter_gradient(const Tensor& x) {
  Tensor place = Tensor::borrow(Context::current().tape->gradients().data() + x.parameter(), x.shape());
  Shape strides = x.shape();
  for (int i = 0; i < x.rank(); ++i) strides[i] = x.stride(i);
  return place.view(x.shape(), strides);
}

/// Views are skipped: they share the memory of a value that was checked before.
bool is_finite(const Tensor& x) {
  if (!x.contiguous()) return true;
  const Real* values = x.data();
  return std::all_of(values, values + x.size(), [](Real value) { return std::isfinite(value); });
}

}  // namespace

Tape::Tape(std::span<Real> gradients, bool check_finite)
    : gradients_(gradients), check_finite_(check_finite), outer_(std::exchange(Context::current().tape, this)) {}

Tape::~Tape() {
  // Last to first, as in backward: a closure may hold the last handle on the result of an earlier one.
  while (!nodes_.empty()) nodes_.pop_back();
  Context::current().tape = outer_;
}

void Tape::push(const Tensor& value, std::function<void(Tensor)> run, const char* op) {
  const Profile* profile = Context::current().profile;
  nodes_.push_back({value.slot(), std::move(run), op, profile ? profile->latest() : 0});
  ++length_;
  if (check_finite_ && !is_finite(value))
    fail("the first number that is not finite came from the op '{}', value {} of the forward pass, of shape {}", op,
         length_, value.shape().text());
}

void Tape::backward() {
  while (!nodes_.empty()) {
    Node node = std::move(nodes_.back());
    nodes_.pop_back();
    Tensor gradient = std::exchange(node.slot->gradient, Tensor());
    if (!gradient.defined()) continue;
    if (check_finite_ && !is_finite(gradient))
      fail(
          "the first gradient that is not finite is that of the result of the op '{}', value {} of the forward pass, "
          "of shape {}",
          node.op, nodes_.size() + 1, gradient.shape().text());
    node.run(std::move(gradient));
    if (Profile* profile = Context::current().profile) profile->backward(node.row);
  }
}

Stopped::Stopped(std::vector<std::vector<Real>>& values)
    : values_(values), replays_(!values.empty()), outer_(std::exchange(Context::current().stopped, this)) {}

Stopped::~Stopped() { Context::current().stopped = outer_; }

void Stopped::pass(Tensor& x) {
  if (!replays_) {
    values_.emplace_back(x.data(), x.data() + x.size());
    return;
  }
  const std::vector<Real>& values = values_.at(next_++);
  if (long(values.size()) != x.size()) fail("[stop_gradient] {} numbers where there were {}", x.size(), values.size());
  x = Tensor::empty(x.shape());
  std::copy(values.begin(), values.end(), x.data());
}

void accumulate_gradient(const Tensor& x, Tensor dx) {
  if (dx.shape() != x.shape())
    fail("[accumulate_gradient] a gradient {} for a value of shape {}", dx.shape().text(), x.shape().text());
  if (x.parameter() >= 0) {
    Tensor place = parameter_gradient(x);
    add_into(dx, place);
  } else if (x.slot()) {
    Tensor& gradient = x.slot()->gradient;
    if (gradient.defined()) {
      add_into(dx, gradient);
    } else {
      dx = in_order_of(std::move(dx), x);
      gradient = dx.sole_owner() ? std::move(dx) : Tensor::copy_of(dx);
    }
  }
}

GradientSink gradient_sink(const Tensor& x) {
  if (!wants_gradient(x)) return {Tensor::empty_like(x), false};
  if (x.parameter() >= 0) return {parameter_gradient(x), true};
  Tensor& gradient = x.slot()->gradient;
  const bool add = gradient.defined();
  if (!add) gradient = Tensor::empty_like(x);
  return {gradient, add};
}

Tensor zeroed_gradient_sink(const Tensor& x) {
  GradientSink place = gradient_sink(x);
  if (!place.add) kernels::fill(place.gradient.data(), place.gradient.size(), 0);
  return place.gradient;
}

}  // namespace lra::inline LRA_ENGINE
