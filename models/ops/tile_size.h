/// Sizes of tiles of scores: few, so that the number of distinct products does not grow with the number of lengths.
#pragma once

namespace lra::inline LRA_ENGINE {

inline long round_up(long n, long unit) { return (n + unit - 1) / unit * unit; }

/// How many rows or columns a tile of n is given.
inline long tile_size(long n) { return n > 64 ? round_up(n, 64) : round_up(n, 16); }
constexpr long kTilePadding = 64;  // no less than what tile_size adds

}  // namespace lra::inline LRA_ENGINE
