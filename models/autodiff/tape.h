/// Derivatives: a flat tape of pending backward steps.
///
/// An op computes its value and passes `record` a closure that owns exactly what its derivative needs. backward() runs
/// the closures last to first and destroys each one right after it ran, so memory falls as the pass proceeds. The order
/// of recording is a topological order, so there is no graph, no visited set and no count of consumers. Backward code
/// calls kernels only; there are no gradients of gradients.
///
///   const Training training;                    // this thread now applies dropout, …
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
  /// Becomes the tape of this thread. Gradients of parameters are added to `gradients`, which has the parameters'
  /// layout. With `check_finite`, recording a non-finite value or propagating a non-finite gradient throws an error
  /// that names the op.
  explicit Tape(std::span<Real> gradients, bool check_finite = false);
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Runs all recorded closures. Call accumulate_gradient on the outputs first.
  void backward();

  /// `op`: the name of the op, a literal.
  void push(const Tensor& value, std::function<void(Tensor)> run, const char* op);
  std::span<Real> gradients() { return gradients_; }
  /// The sum of the models' auxiliary losses (auxiliary_loss in models/ops/ops.h).
  double auxiliary() const { return auxiliary_; }
  void add_auxiliary(double value) { auxiliary_ += value; }
  /// The number of values recorded so far; backward does not reduce it.
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

/// Records or replays the values that `stop_gradient` passes on, in order. Central differences need this: they must see
/// constants where the derivative is stopped. While one exists in this thread it records the values, or, if `values` is
/// not empty at first, replaces new values by the recorded ones.
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

/// Returns whether this thread has a tape, so that values are kept for backward. Dropout depends on Training instead
/// (models/tensor/context.h).
inline bool recording() { return Context::current().tape != nullptr; }

/// Returns whether x is recorded or a parameter, so that its gradient is needed.
inline bool wants_gradient(const Tensor& x) { return recording() && (x.slot() || x.parameter() >= 0); }

/// Records y and returns it. `backward` is called with y's gradient, which it owns and may overwrite, and must add a
/// gradient to each input (accumulate_gradient or gradient_sink). Without a tape, returns y unchanged. y must be a
/// fresh handle (its slot is set here). `op` defaults to the name of the calling function.
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

/// Adds dx to the gradient of x and takes ownership of dx. dx has x's shape; its dimensions may be ordered differently.
/// Does nothing for a constant.
void accumulate_gradient(const Tensor& x, Tensor dx);

/// The memory into which a matrix product writes the gradient of x without a temporary. With `add` the product must add
/// to it, otherwise overwrite it. For a constant it is scratch memory, so an op need not test wants_gradient, except to
/// save work.
struct GradientSink {
  Tensor gradient;
  bool add;
};
GradientSink gradient_sink(const Tensor& x);

/// As gradient_sink, but a gradient that was empty is set to zero: for gradients that are added piece by piece.
Tensor zeroed_gradient_sink(const Tensor& x);

}  // namespace lra::inline LRA_ENGINE
