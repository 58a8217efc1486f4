/// Sizes of tiles: few, so that the number of distinct products does not grow with the number of lengths.
#pragma once

#include <algorithm>

#include "models/tensor/detail/token_tile.h"

namespace lra::inline LRA_ENGINE {

inline long round_up(long n, long unit) { return (n + unit - 1) / unit * unit; }

/// How many rows or columns a tile of n scores is given.
inline long tile_size(long n) { return n > 64 ? round_up(n, 64) : round_up(n, 16); }
constexpr long kDropoutGroup = 128;  // dropout numbers are drawn in groups of this many (DropoutStream)
constexpr long kTilePadding = 64;    // no less than what tile_size adds

/// Calls f(first row, rows) for tiles of tokens, of the size that a matrix product takes at once, so that its result is
/// still in the cache for the op after it.
template <typename F>
void by_token_tiles(long tokens, F f) {
  for (long at = 0; at < tokens; at += kTokenTile) f(at, std::min(kTokenTile, tokens - at));
}

}  // namespace lra::inline LRA_ENGINE
