#include "models/ops/step_states.h"

#include "core/error.h"
#include "models/autodiff/tape.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {

std::int64_t StepStates::bytes() const {
  std::int64_t all = 0;
  for (const Slot& slot : slots_)
    if (slot.state.defined())
      all += (slot.rows < 0 ? slot.state.size() : slot.rows * slot.state.dim(1)) * long(sizeof(Real));
  return all;
}

StepStates::Slot& StepStates::next() {
  if (next_ == slots_.size()) slots_.emplace_back();
  return slots_[next_++];
}

Continued::Continued(StepStates& states, const SequenceLayout& layout) {
  if (training() || recording() || stepping()) fail("only passes outside of training continue sequences");
  if (layout.count() != long(states.ends_.size()))
    fail("a step of {} sequences continues {}", layout.count(), states.ends_.size());
  states.begins_ = states.ends_;
  for (long s = 0; s < layout.count(); ++s) states.ends_[std::size_t(s)] += layout.size(s);
  states.next_ = 0;
  Context::current().steps = &states;
}

Tensor carried_state(const Shape& shape) {
  if (!stepping()) return Tensor::zeros(shape);
  StepStates::Slot& slot = Context::current().steps->next();
  if (!slot.state.defined()) slot.state = Tensor::zeros(shape);
  if (slot.state.shape() != shape)
    fail("a state {} in the place of {}: a pass differs from the one before", shape.text(), slot.state.shape().text());
  return slot.state;
}

Tensor carried_rows(const Tensor& x) {
  if (!stepping()) return x;
  StepStates::Slot& slot = Context::current().steps->next();
  const long before = std::max(0L, slot.rows), c = x.dim(1);
  slot.rows = before + x.dim(0);
  if (!slot.state.defined() || slot.state.dim(0) < slot.rows) {
    Tensor larger = Tensor::empty({2 * slot.rows, c});
    if (before > 0) kernels::copy(slot.state.data(), larger.data(), before * c);
    slot.state = std::move(larger);
  }
  kernels::copy(x.data(), slot.state.data() + before * c, x.size());
  return slot.state.view({slot.rows, c}, {c, 1});
}

long tokens_before(long s) { return stepping() ? Context::current().steps->begins_.at(std::size_t(s)) : 0; }

void carry_last_rows(const Tensor& x, const SequenceLayout& layout, Tensor& state) {
  if (!stepping()) return;
  const long c = x.dim(1);
  for (long s = 0; s < layout.count(); ++s)
    kernels::copy(x.data() + (layout.begin(s + 1) - 1) * c, state.data() + s * c, c);
}

void expect_steps(bool can, const char* op, const char* why) {
  if (stepping() && !can) fail_usage("{} has no step form: it {}", op, why);
}

}  // namespace lra::inline LRA_ENGINE
