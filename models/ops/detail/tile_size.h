/// Sizes of tiles: few, so that the number of distinct products does not grow with the number of lengths.
#pragma once

#include <algorithm>

namespace lra::inline LRA_ENGINE {

inline long round_up(long n, long unit) { return (n + unit - 1) / unit * unit; }

/// How many rows or columns a tile of n scores is given.
inline long tile_size(long n) { return n > 64 ? round_up(n, 64) : round_up(n, 16); }
constexpr long kDropoutGroup = 128;  // dropout numbers are drawn in groups of this many (DropoutStream in kernels.h)
constexpr long kTilePadding = 64;    // no less than what tile_size adds

/// Calls f(first row, rows) for tiles of tokens: as many as a product takes at once (onednn.cpp), and they stay in the
/// cache from it to what is done to its result.
template <typename F>
void by_token_tiles(long tokens, F f) {
  constexpr long kTokens = 256;
  for (long at = 0; at < tokens; at += kTokens) f(at, std::min(kTokens, tokens - at));
}

}  // namespace lra::inline LRA_ENGINE
