#include "models/ops/largest.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"

namespace lra::inline LRA_ENGINE {
namespace {

struct Entry {
  Real value;
  long column;
  bool operator<(const Entry& other) const {
    return value > other.value || (value == other.value && column < other.column);
  }
};

constexpr long kFew = 4;  // up to this count, a heap is faster than a partition

}  // namespace

std::vector<long> largest_columns(const Tensor& x, long count) {
  expect_matrix(x, "largest_columns");
  const long n = x.dim(0), c = x.dim(1);
  if (count < 0 || count > c) fail("[largest_columns] {} has no {} columns", x.shape().text(), count);
  std::vector<Entry> row(static_cast<std::size_t>(c));
  std::vector<long> all;
  all.reserve(std::size_t(n * count));
  for (long t = 0; t < n; ++t) {
    for (long i = 0; i < c; ++i) {
      const Real value = x.data()[t * c + i];  // NaN has no order, which sorting needs
      row[std::size_t(i)] = {std::isnan(value) ? -std::numeric_limits<Real>::infinity() : value, i};
    }
    const auto end = row.begin() + count;
    if (count <= kFew) {
      std::partial_sort(row.begin(), end, row.end());
    } else {
      std::nth_element(row.begin(), end, row.end());
      std::sort(row.begin(), end);
    }
    for (long i = 0; i < count; ++i) all.push_back(row[std::size_t(i)].column);
  }
  return all;
}

}  // namespace lra::inline LRA_ENGINE
