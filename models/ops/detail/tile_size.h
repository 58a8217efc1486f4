/// Tile sizes. There are few, so that the number of distinct products does not grow with the number of lengths.
#pragma once

#include <algorithm>

#include "models/tensor/detail/token_tile.h"

namespace lra::inline LRA_ENGINE {

inline long round_up(long n, long unit) { return (n + unit - 1) / unit * unit; }

/// The padded number of rows or columns of a tile with n.
inline long tile_size(long n) { return n > 64 ? round_up(n, 64) : round_up(n, 16); }
constexpr long kDropoutGroup = 128;  // dropout samples numbers in groups of this size (DropoutStream)
constexpr long kTilePadding = 64;    // at least as much as tile_size adds

/// Calls f(first row, rows) for tiles of tokens. A tile has as many rows as one oneDNN product (onednn.cpp), so that
/// the product's result is still in the cache for the ops that follow.
template <typename F>
void by_token_tiles(long tokens, F f) {
  for (long at = 0; at < tokens; at += kTokenTile) f(at, std::min(kTokenTile, tokens - at));
}

}  // namespace lra::inline LRA_ENGINE
