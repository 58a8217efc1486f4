#include "models/ops/hashing.h"
#include "models/tensor/detail/kernels.h"

#include <cmath>

#include "core/error.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kOneFactor = 32;  // with more, hashing would cost more than the attention itself

long even(long n) { return n + n % 2; }

/// The index of the largest entry of the concatenation of u and −u.
std::int32_t largest(const Real* u, long n) {
  long best = 0;
  for (long i = 1; i < n; ++i)
    if (std::abs(u[i]) > std::abs(u[best])) best = i;
  return std::int32_t(u[best] < 0 ? n + best : best);
}

}  // namespace

Buckets::Buckets(long wanted) : first(wanted <= 1 ? 1 : even(wanted)), second(1) {
  if (wanted < 1) fail("[hashing] {} buckets; there must be at least 1", wanted);
  if (first <= kOneFactor) return;
  first = even(long(std::ceil(std::sqrt(double(wanted)))));
  second = even((wanted + first - 1) / first);
}

std::vector<std::int32_t> hash_directions(ConstView x, ConstView rotations, const Buckets& buckets) {
  std::vector<std::int32_t> all(std::size_t(x.rows), 0);
  if (buckets.count() == 1) return all;
  const long columns = buckets.rotations(), half = buckets.first / 2;
  if (rotations.rows < columns || rotations.cols != x.cols)
    fail("[hash_directions] {} buckets of rows of x ({},{}) need {} rotations, not ({},{})", buckets.count(), x.rows,
         x.cols, columns, rotations.rows, rotations.cols);
  Tensor u = Tensor::empty({x.rows, columns});
  kernels::gemm(x, false, {rotations.data, columns, rotations.cols, rotations.stride}, true, u.matrix());
  for (long i = 0; i < x.rows; ++i) {
    const Real* row = u.data() + i * columns;
    std::int32_t bucket = largest(row, half);
    if (buckets.second > 1) bucket = bucket * std::int32_t(buckets.second) + largest(row + half, buckets.second / 2);
    all[std::size_t(i)] = bucket;
  }
  return all;
}

std::vector<std::int32_t> stable_order(std::span<const std::int32_t> keys, long bound) {
  std::vector<std::int32_t> next(std::size_t(bound) + 1), order(keys.size());
  for (const std::int32_t key : keys) ++next[std::size_t(key) + 1];
  for (std::size_t b = 0; b < std::size_t(bound); ++b) next[b + 1] += next[b];
  for (std::size_t i = 0; i < keys.size(); ++i) order[std::size_t(next[std::size_t(keys[i])]++)] = std::int32_t(i);
  return order;
}

}  // namespace lra::inline LRA_ENGINE
