/// Which keys a query sees: windows around it, and patterns of several parts.
#pragma once

#include <functional>
#include <vector>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE {

/// Which keys a query sees: an interval around it.
struct Window {
  enum class Kind { all, block, band } kind = Kind::all;
  long block = 0;              // block: keys of blocks ⌊i/block⌋ − before … ⌊i/block⌋ + after
  long before = 0, after = 0;  // band: keys i − before … i + after; a negative one keeps away from i
  bool causal = false;         // and none after the query
  long step = 1, start = 0;    // key j stands at position start + j · step (not with blocks)

  static Window everything() { return {}; }
  static Window nothing() { return band(0, -1); }
  static Window blocks(long size, long before = 0, long after = 0) { return {Kind::block, size, before, after, false}; }
  static Window band(long before, long after) { return {Kind::band, 0, before, after, false}; }
  /// The same of keys that stand for runs of positions, or that other keys precede.
  Window over(long key_step, long key_start) const {
    Window moved = *this;
    moved.step = key_step, moved.start = key_start;
    return moved;
  }

  long first(long query, long keys) const;  // first visible key
  long last(long query, long keys) const;   // one past the last visible key
};

/// A set of positions of one sequence, ascending.
class Positions {
 public:
  /// Of a sequence of n tokens; empty.
  explicit Positions(long n) : n_(n) {}
  static Positions all(long n) { return Positions(n).add(0, n); }

  /// Adds first, first + step, … (count of them). What lies outside the sequence is left out, what is in the set
  /// already stays there once. Requires step ≥ 1. Fastest in ascending order.
  Positions& add(long first, long count, long step = 1);

  bool empty() const { return ascending_.empty(); }
  const std::vector<long>& ascending() const { return ascending_; }

 private:
  long n_;
  std::vector<long> ascending_;
};

/// Each of `queries` sees each of `keys` that `visible` shows and `hidden` does not. Windows speak of positions in the
/// sequences (of keys by their step and start), whatever the sets leave out.
struct Part {
  Positions queries, keys;
  Window visible = Window::everything();
  Window hidden = Window::nothing();
};

using PartVisitor = std::function<void(const Part& part)>;

/// What head `head` of sequence `sequence` (its number in the pack) sees: a function that calls `visit` for part after
/// part. A (query, key) pair belongs to one part at most; a query that no part shows anything gets zeros. Must give the
/// same parts whenever it is asked: backward asks again. One part is alive at a time, so a pattern needs no memory.
using Pattern = std::function<void(long sequence, long head, const PartVisitor& visit)>;

}  // namespace lra::inline LRA_ENGINE
