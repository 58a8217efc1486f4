/// The state that the ops of a thread share beside their arguments: the only thread-local state of the engine.
///
/// A property of a whole pass is a field here instead of an argument of every op: whether the pass trains, what it
/// counts, where its derivatives go.
#pragma once

#include <utility>

#include "models/tensor/memory.h"

namespace lra::inline LRA_ENGINE {

class Capture;
class Library;
class Profile;
class StepStates;
class Stopped;
class Tape;

struct Context {
  /// The calling thread's.
  static Context& current();

  Memory memory;
  Work work;
  Library* library = nullptr;   // oneDNN's, in a worker thread (onednn.h)
  Tape* tape = nullptr;         // null: nothing is recorded (autodiff/tape.h)
  Stopped* stopped = nullptr;   // null: stop_gradient passes values on as they are (autodiff/tape.h)
  Profile* profile = nullptr;   // null: time is not measured (autodiff/profile.h)
  bool training = false;        // see Training
  Capture* capture = nullptr;   // null: nothing is kept (autodiff/capture.h)
  StepStates* steps = nullptr;  // null: passes begin their sequences (ops/step_states.h)
};

/// While an object of this class exists, forward passes of its thread behave as in a training step: they apply dropout,
/// resample constants, route with noise and update buffers; with `on` false they do not. A tape alone changes none of
/// that, so a gradient can be computed without dropout.
class Training {
 public:
  explicit Training(bool on = true) : before_(std::exchange(Context::current().training, on)) {}
  ~Training() { Context::current().training = before_; }
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

 private:
  bool before_;
};

/// Returns whether forward passes of this thread behave as in training.
inline bool training() { return Context::current().training; }

/// While an object of this class exists, matrix products of its thread do not count as operations. Used for
/// recomputation and the padding of tiles, where the op counts the model's operations itself.
class Uncounted {
 public:
  Uncounted() : before_(Context::current().work.flops) {}
  ~Uncounted() { Context::current().work.flops = before_; }
  Uncounted(const Uncounted&) = delete;
  Uncounted& operator=(const Uncounted&) = delete;

 private:
  double before_;
};

}  // namespace lra::inline LRA_ENGINE
