/// Derivatives: a flat tape of what backward still has to do.
///
/// An op computes its value and hands `record` a closure that owns exactly what its derivative needs. backward() pops
/// the closures and runs them last to first, destroying each right after it ran, so memory falls as the pass proceeds.
/// The order of recording is a topological order: there is no graph, no visited set, no count of consumers. Backward
/// code is plain kernels; there are no gradients of gradients.
///
///   const Training training;                    // this thread now drops, redraws, …
///   Tape tape(gradients);                       // and records
///   Tensor loss = cross_entropy(model.forward(batch, step), ...);
///   tape.backward();                            // parameters' gradients have been added to `gradients`
///
/// Without a tape nothing is recorded.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "models/autodiff/profile.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

class Tape {
 public:
  /// Becomes this thread's tape. Parameters' gradients are added to `gradients`, laid out as the parameters are. With
  /// `check_finite`, recording a value or passing back a gradient that is not finite throws, naming the op.
  explicit Tape(std::span<Real> gradients, bool check_finite = false);
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Runs everything recorded. Seed gradients are given by `accumulate_gradient` before.
  void backward();

  /// `op`: the name of the op, a literal.
  void push(const Tensor& value, std::function<void(Tensor)> run, const char* op);
  std::span<Real> gradients() { return gradients_; }
  /// What models have added to the loss themselves (auxiliary_loss in models/ops/ops.h).
  double auxiliary() const { return auxiliary_; }
  void add_auxiliary(double value) { auxiliary_ += value; }
  /// Values recorded in all, by the end of forward.
  long length() const { return length_; }

 private:
  struct Node {
    std::shared_ptr<GradientSlot> slot;
    std::function<void(Tensor)> run;
    const char* op;
    std::size_t row;  // of the thread's profile, if it has one
  };
  std::vector<Node> nodes_;
  std::span<Real> gradients_;
  bool check_finite_;
  Tape* outer_;
  long length_ = 0;
  double auxiliary_ = 0;
};

/// The values that `stop_gradient` passes on, in their order: for central differences, which must see constants where
/// the derivative is stopped. While one is alive in this thread it notes them, or, if it begins with some, puts them in
/// place of the new ones.
class Stopped {
 public:
  explicit Stopped(std::vector<std::vector<Real>>& values);
  ~Stopped();
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;
  void pass(Tensor& x);

 private:
  std::vector<std::vector<Real>>& values_;
  bool replays_;
  std::size_t next_ = 0;
  Stopped* outer_;
};

/// Is a tape alive in this thread? Then values are kept for backward. Whether dropout drops is another matter: see
/// Training in models/tensor/context.h.
inline bool recording() { return Context::current().tape != nullptr; }

/// Does anything upstream of x want its gradient?
inline bool wants_gradient(const Tensor& x) { return recording() && (x.slot() || x.parameter() >= 0); }

/// y as a recorded value: `backward` is called with y's gradient, which it owns and may overwrite. It must give or sink
/// a gradient to each input. Without a tape, y itself. y must be a fresh handle (its slot is set here). The op is known
/// by the name of the function that calls this.
template <typename Backward>
Tensor record(Tensor y, Backward backward, const char* op = __builtin_FUNCTION()) {
  if (Profile* profile = Context::current().profile) profile->forward(op);
  if (Tape* tape = Context::current().tape) {
    y.set_parameter(-1);
    y.set_slot(std::make_shared<GradientSlot>());
    tape->push(y, std::move(backward), op);
  }
  return y;
}

/// Adds dx, which is handed over, to x's gradient. dx has x's shape; its order of dimensions may differ.
void accumulate_gradient(const Tensor& x, Tensor dx);

/// Where a product may write x's gradient without a temporary: `add` says that something is there already. Of a
/// constant, which wants no gradient, it is memory that nobody reads, so that no op need ask; one that can save work by
/// it may.
struct GradientSink {
  Tensor gradient;
  bool add;
};
GradientSink gradient_sink(const Tensor& x);

/// As `gradient_sink`, but the place is set to zero if it was empty: for gradients that arrive in pieces.
Tensor zeroed_gradient_sink(const Tensor& x);

}  // namespace lra::inline LRA_ENGINE
