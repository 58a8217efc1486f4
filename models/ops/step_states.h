/// Sequences that are read piece by piece, such as token by token: what their recurrences carry from pass to pass.
///
///   StepStates states(sequences);
///   while (...) { const Continued pass(states, layout); y = encoder.forward({x, layout}).x; }
///
/// A model's forward pass is its step form. While a pass continues sequences, each op that mixes tokens begins with the
/// state that the same call of the pass before has left, so results are those of the whole sequence; an op that cannot
/// do so throws a usage error. A call is known by its place in the order of calls, which must be that of every pass.
#pragma once

#include <any>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// The states of all layers after the tokens that the sequences have had so far. Unusable after a pass that threw.
class StepStates {
 public:
  explicit StepStates(long sequences) : begins_(std::size_t(sequences), 0), ends_(begins_) {}

  /// The bytes of all states: what must be kept between tokens besides the parameters.
  std::int64_t bytes() const;

 private:
  friend class Continued;
  friend Tensor carried_state(const Shape& shape);
  friend Tensor carried_rows(const Tensor& x);
  friend long tokens_before(long s);
  template <typename Make>
  friend auto computed_once(Make make);

  /// What one call keeps.
  struct Slot {
    Tensor state;
    long rows = -1;      // of the state, whose memory grows in larger steps; −1: all
    std::any constants;  // derived from parameters, and not a state
  };
  Slot& next();

  std::vector<long> begins_, ends_;  // of the pass's tokens, in each sequence
  std::vector<Slot> slots_;
  std::size_t next_ = 0;
};

/// While an object of this class exists, passes of its thread continue the sequences of `states` by the tokens of
/// `layout`. Only outside of training and without a tape.
class Continued {
 public:
  Continued(StepStates& states, const SequenceLayout& layout);
  ~Continued() { Context::current().steps = nullptr; }
  Continued(const Continued&) = delete;
  Continued& operator=(const Continued&) = delete;
};

// ---- for ops --------------------------------------------------------------------------------------------------------

/// Returns whether this thread's pass continues sequences.
inline bool stepping() { return Context::current().steps != nullptr; }
/// Returns the state that this call of the pass before has left in the same memory; zeros before the first tokens.
/// Outside of steps new zeros.
Tensor carried_state(const Shape& shape);
/// Appends x (n,C) to the rows that this call has got in the passes before. Returns all of them, uncopied.
Tensor carried_rows(const Tensor& x);
/// Returns the number of tokens of sequence s before the pass's; 0 outside of steps.
long tokens_before(long s);
/// Copies each sequence's last row of x (T,C) to its row of `state` (S,C), while stepping.
void carry_last_rows(const Tensor& x, const SequenceLayout& layout, Tensor& state);
/// While stepping, throws a usage error that begins with the op's name unless `can`.
void expect_steps(bool can, const char* op, const char* why = "needs all tokens at once");
constexpr const char* kSeesLaterTokens = "sees later tokens unless causal";

/// Returns a pointer to make(), which depends on parameters only: while stepping, to that of the first pass.
template <typename Make>
auto computed_once(Make make) {
  using T = decltype(make());
  if (!stepping()) return std::make_shared<const T>(make());
  std::any& place = Context::current().steps->next().constants;
  if (!place.has_value()) place = std::make_shared<const T>(make());
  return std::any_cast<std::shared_ptr<const T>>(place);
}

}  // namespace lra::inline LRA_ENGINE
