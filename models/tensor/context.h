/// What the ops of a thread work with, beside their arguments: the only thread-local state of the engine.
///
/// What holds for a whole pass, and that no op is told, is a field here: whether it trains, what it counts, where its
/// derivatives go. The precision of matrix products would be one more.
#pragma once

#include <utility>

#include "models/tensor/memory.h"

namespace lra::inline LRA_ENGINE {

class Library;
class Profile;
class Stopped;
class Tape;

struct Context {
  /// The calling thread's.
  static Context& current();

  Memory memory;
  Work work;
  Library* library = nullptr;  // oneDNN's, in a worker thread (onednn.h)
  Tape* tape = nullptr;        // null: nothing is recorded (autodiff/tape.h)
  Stopped* stopped = nullptr;  // null: stop_gradient passes values on as they are (autodiff/tape.h)
  Profile* profile = nullptr;  // null: nobody asks where time goes (autodiff/profile.h)
  bool training = false;       // see Training
};

/// While one lives, forward passes of this thread train: they drop, redraw, route and update states as a training step
/// does; or they do not. A tape alone changes none of that, so that a gradient can be had without dropout.
class Training {
 public:
  explicit Training(bool on = true) : before_(std::exchange(Context::current().training, on)) {}
  ~Training() { Context::current().training = before_; }
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

 private:
  bool before_;
};

/// Does this thread train?
inline bool training() { return Context::current().training; }

/// While one lives, this thread's matrix products do not count: they are recomputation or work on padding of tiles, and
/// the op counts its model's operations itself.
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
