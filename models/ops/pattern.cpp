#include "models/ops/pattern.h"

#include <algorithm>

namespace lra::inline LRA_ENGINE {

long Window::first(long query, long keys) const {
  long at = 0;
  if (kind == Kind::block) at = (query / block - before) * block;
  if (kind == Kind::band) at = (query - before - start + step - 1) / step;
  return std::clamp(at, 0L, keys);
}

long Window::last(long query, long keys) const {
  long at = keys;
  if (kind == Kind::block) at = (query / block + after + 1) * block;
  if (kind == Kind::band) at = (query + after - start + step) / step;
  if (causal) at = std::min(at, (query - start + step) / step);
  return std::clamp(at, 0L, keys);
}

Positions& Positions::add(long first, long count, long step) {
  const auto old = std::ptrdiff_t(ascending_.size());
  for (long i = 0, at = first; i < count && at < n_; ++i, at += step)
    if (at >= 0) ascending_.push_back(at);
  const auto middle = ascending_.begin() + old;
  if (old > 0 && middle != ascending_.end() && *middle <= *(middle - 1)) {
    std::inplace_merge(ascending_.begin(), middle, ascending_.end());
    ascending_.erase(std::unique(ascending_.begin(), ascending_.end()), ascending_.end());
  }
  return *this;
}

}  // namespace lra::inline LRA_ENGINE
