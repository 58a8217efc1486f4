/// Traverses a part of a pattern in tiles of queries by keys.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "models/ops/detail/tile_size.h"
#include "models/ops/pattern.h"

namespace lra::inline LRA_ENGINE {

constexpr long kQueryTile = 128;
constexpr long kKeyTile = 256;

/// Some queries of a part against some of its keys. The memory of both is padded to tile sizes.
struct Tile {
  std::span<const long> queries, keys;  // positions
  long padded_rows, padded_cols;
  std::vector<long> begin, end;            // visible columns of each padded row
  std::vector<long> hide_begin, hide_end;  // hidden columns among them; empty when the part hides nothing
  long pairs;                              // number of visible pairs
  bool first_of_row, last_of_row;          // of all tiles with these queries
};

struct Interval {
  long begin, end;
};

/// Finds, for ascending queries, the indices of a part's keys within a window. Both ends only move forward.
class WindowCursor {
 public:
  WindowCursor(const Window& window, const std::vector<long>& keys, long length)
      : window_(window), keys_(keys), length_(length) {}

  Interval of(long query) {
    const long first = window_.first(query, length_), last = window_.last(query, length_);
    while (begin_ < long(keys_.size()) && keys_[std::size_t(begin_)] < first) ++begin_;
    while (end_ < long(keys_.size()) && keys_[std::size_t(end_)] < last) ++end_;
    return {begin_, std::max(begin_, end_)};
  }

 private:
  const Window& window_;
  const std::vector<long>& keys_;
  long length_, begin_ = 0, end_ = 0;
};

/// The number of queries in the tile that starts at index i. A tile of a blocked window does not cross a block
/// boundary, because it would compute invisible scores.
inline std::size_t tile_rows(const Part& part, std::size_t i) {
  const std::vector<long>& queries = part.queries.ascending();
  const std::size_t most = std::min(std::size_t(kQueryTile), queries.size() - i);
  if (part.visible.kind != Window::Kind::block) return most;
  std::size_t rows = 1;
  while (rows < most && queries[i + rows] / part.visible.block == queries[i] / part.visible.block) ++rows;
  return rows;
}

/// Returns whether n queries and m keys are whole blocks. Their tiles all have the same size and need no padding.
inline bool whole_blocks(const Window& window, long n, long m) {
  return window.kind == Window::Kind::block && n == window.block && m % window.block == 0;
}

/// Clips the rows' intervals of keys to the columns of a tile that starts at key index j. `hidden` is empty when the
/// part hides nothing.
inline void set_bounds(Tile& tile, long j, const std::vector<Interval>& seen, const std::vector<Interval>& hidden) {
  const long cols = long(tile.keys.size());
  for (std::vector<long>* bounds : {&tile.begin, &tile.end}) bounds->assign(std::size_t(tile.padded_rows), 0);
  for (std::vector<long>* bounds : {&tile.hide_begin, &tile.hide_end}) bounds->assign(hidden.size(), 0);
  tile.pairs = 0;
  for (std::size_t r = 0; r < seen.size(); ++r) {
    const long begin = tile.begin[r] = std::clamp(seen[r].begin - j, 0L, cols);
    const long end = tile.end[r] = std::clamp(seen[r].end - j, 0L, cols);
    tile.pairs += end - begin;
    if (hidden.empty()) continue;
    tile.hide_begin[r] = std::clamp(hidden[r].begin - j, begin, end);
    tile.hide_end[r] = std::clamp(hidden[r].end - j, begin, end);
    tile.pairs -= tile.hide_end[r] - tile.hide_begin[r];
  }
}

/// Calls `visit` for every tile with visible pairs, in the order of queries. `length` is that of the keys' sequence.
template <typename Visit>
void walk(const Part& part, long length, Visit visit) {
  const std::span queries(part.queries.ascending()), keys(part.keys.ascending());
  WindowCursor visible_cursor(part.visible, part.keys.ascending(), length),
      hidden_cursor(part.hidden, part.keys.ascending(), length);
  const bool hides = part.hidden.kind != Window::Kind::band || part.hidden.before + part.hidden.after >= 0;
  std::vector<Interval> seen, hidden;  // one per row
  Tile tile;
  for (std::size_t i = 0; i < queries.size(); i += tile.queries.size()) {
    tile.queries = queries.subspan(i, tile_rows(part, i));
    seen.clear(), hidden.clear();
    for (const long query : tile.queries) {
      seen.push_back(visible_cursor.of(query));
      if (hides) hidden.push_back(hidden_cursor.of(query));
    }
    const long low = seen.front().begin, high = seen.back().end, rows = long(tile.queries.size());
    const bool whole = whole_blocks(part.visible, rows, high - low);
    tile.padded_rows = whole ? rows : tile_size(rows);
    for (long j = low; j < high; j += kKeyTile) {
      tile.keys = keys.subspan(std::size_t(j), std::size_t(std::min(kKeyTile, high - j)));
      tile.padded_cols = whole ? long(tile.keys.size()) : tile_size(long(tile.keys.size()));
      set_bounds(tile, j, seen, hidden);
      tile.first_of_row = j == low;
      tile.last_of_row = j + kKeyTile >= high;
      visit(std::as_const(tile));
    }
  }
}

}  // namespace lra::inline LRA_ENGINE
