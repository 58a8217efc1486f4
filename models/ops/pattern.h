/// Visibility of keys to queries: windows, and sparse patterns composed of parts.
#pragma once

#include <functional>
#include <vector>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE {

/// The interval of keys that a query sees.
struct Window {
  enum class Kind { all, block, band } kind = Kind::all;
  long block = 0;              // block: keys of blocks ⌊i/block⌋ − before … ⌊i/block⌋ + after
  long before = 0, after = 0;  // band: keys i − before … i + after; negative values exclude keys near i
  bool causal = false;         // excludes keys after the query
  long step = 1, start = 0;    // key j is at position start + j · step (not with blocks)

  static Window everything() { return {}; }
  static Window nothing() { return band(0, -1); }
  static Window blocks(long size, long before = 0, long after = 0) { return {Kind::block, size, before, after, false}; }
  static Window band(long before, long after) { return {Kind::band, 0, before, after, false}; }
  /// The same window over keys at other positions: each key represents a run of positions, or other keys precede them.
  Window over(long key_step, long key_start) const {
    Window moved = *this;
    moved.step = key_step, moved.start = key_start;
    return moved;
  }

  long first(long query, long keys) const;  // the first visible key
  long last(long query, long keys) const;   // one past the last visible key
};

/// An ascending set of positions in one sequence.
class Positions {
 public:
  /// An empty set for a sequence of n tokens.
  explicit Positions(long n) : n_(n) {}
  static Positions all(long n) { return Positions(n).add(0, n); }

  /// Adds `count` positions first, first + step, …, ignoring those outside the sequence and duplicates. Requires step ≥
  /// 1. Fastest when positions are added in ascending order.
  Positions& add(long first, long count, long step = 1);

  bool empty() const { return ascending_.empty(); }
  const std::vector<long>& ascending() const { return ascending_; }

 private:
  long n_;
  std::vector<long> ascending_;
};

/// A set of (query, key) pairs: all pairs of `queries` and `keys` that lie within `visible` and not within `hidden`.
/// Windows refer to positions in the sequence (for keys after step and start), not to indices in the sets.
struct Part {
  Positions queries, keys;
  Window visible = Window::everything();
  Window hidden = Window::nothing();
};

using PartVisitor = std::function<void(const Part& part)>;

/// Calls `visit` for each part of what head `head` sees in sequence `sequence` (its index in the layout). A (query,
/// key) pair may belong to at most one part; a query without visible keys gets zeros. The function must be
/// deterministic, because backward calls it again. Only one part exists at a time, so a pattern needs little memory.
using Pattern = std::function<void(long sequence, long head, const PartVisitor& visit)>;

}  // namespace lra::inline LRA_ENGINE
