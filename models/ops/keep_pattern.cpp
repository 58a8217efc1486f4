#include "models/ops/detail/keep_pattern.h"

#include "models/autodiff/capture.h"

namespace lra::inline LRA_ENGINE {
namespace {

using Ranges = std::vector<std::pair<long, long>>;  // [begin, end)

/// The keys of a part, of `count` in the sequence, that `query` sees.
Ranges keys_of(const Part& part, long query, long count) {
  const auto within = [&](const Window& window, long key) {
    return window.first(query, count) <= key && key < window.last(query, count);
  };
  Ranges ranges;
  for (const long key : part.keys.ascending()) {
    if (!within(part.visible, key) || within(part.hidden, key)) continue;
    if (ranges.empty() || ranges.back().second != key) ranges.emplace_back(key, key);
    ++ranges.back().second;
  }
  return ranges;
}

/// Calls `visit` with [begin, end) of adjacent queries that see the same keys, and with these keys.
template <typename Visit>
void visit_runs(const Part& part, long key_count, Visit visit) {
  std::pair<long, long> queries(0, 0);
  Ranges seen;
  for (const long query : part.queries.ascending()) {
    Ranges own = keys_of(part, query, key_count);
    if (query != queries.second || own != seen) {
      visit(queries, seen);
      queries = {query, query}, seen = std::move(own);
    }
    ++queries.second;
  }
  visit(queries, seen);
}

}  // namespace

void keep_pattern(const Pattern& pattern, long head_count, const Dropout& site, const SequenceLayout& layout,
                  const SequenceLayout& key_layout) {
  Capture* const capture = Context::current().capture;
  if (!capture || !capture->request().patterns.contains(site.key)) return;
  for (long s = 0; s < layout.count(); ++s)
    for (long h = 0; h < head_count; ++h)
      pattern(s, h, [&](const Part& part) {
        visit_runs(part, key_layout.size(s), [&](const auto& queries, const Ranges& seen) {
          for (const auto& [begin, end] : seen)
            capture->keep_pattern(site.key, {s, h, queries.first, queries.second, begin, end});
        });
      });
}

}  // namespace lra::inline LRA_ENGINE
