#include "models/ops/clustering.h"
#include "models/tensor/detail/kernels.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kStrip = 64;  // rows of products in memory at a time

void expect_fit(const ConstView& x, const ConstView& centroids, const char* op) {
  if (x.cols != centroids.cols || centroids.rows < 1)
    fail("[{}] x ({},{}) does not fit centroids ({},{})", op, x.rows, x.cols, centroids.rows, centroids.cols);
}

/// Calls visit(i, products with all rows of b) for each row i of a.
template <typename Visit>
void for_each_products(ConstView a, ConstView b, Visit visit) {
  Tensor products = Tensor::empty({std::min(kStrip, a.rows), b.rows});
  for (long begin = 0; begin < a.rows; begin += kStrip) {
    const long count = std::min(kStrip, a.rows - begin);
    kernels::gemm({a.data + begin * a.stride, count, a.cols, a.stride}, false, b, true,
                  {products.data(), count, b.rows, b.rows});
    for (long i = 0; i < count; ++i) visit(begin + i, std::as_const(products).data() + i * b.rows);
  }
}

}  // namespace

std::vector<std::int32_t> nearest_centroids(ConstView x, ConstView centroids) {
  expect_fit(x, centroids, "nearest_centroids");
  std::vector<std::int32_t> nearest(std::size_t(x.rows));
  for_each_products(x, centroids, [&](long i, const Real* products) {
    nearest[std::size_t(i)] = std::int32_t(std::max_element(products, products + centroids.rows) - products);
  });
  return nearest;
}

std::vector<std::int32_t> top_members(ConstView x, ConstView centroids, long count) {
  expect_fit(x, centroids, "top_members");
  if (count < 1 || count > x.rows) fail("[top_members] {} members of {} rows", count, x.rows);
  std::vector<std::int32_t> members, order(std::size_t(x.rows));
  members.reserve(std::size_t(centroids.rows * count));
  for_each_products(centroids, x, [&](long, const Real* products) {
    std::iota(order.begin(), order.end(), 0);
    std::nth_element(order.begin(), order.begin() + (count - 1), order.end(), [&](std::int32_t a, std::int32_t b) {
      return products[a] != products[b] ? products[a] > products[b] : a < b;
    });
    std::sort(order.begin(), order.begin() + count);
    members.insert(members.end(), order.begin(), order.begin() + count);
  });
  return members;
}

}  // namespace lra::inline LRA_ENGINE
