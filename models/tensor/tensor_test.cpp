#include "models/tensor/tensor.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "models/autodiff/tape.h"
#include "models/layers/reversible.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/onednn.h"

namespace lra {
namespace {

TEST(Memory, CountsWhatIsLiveAndItsPeak) {
  Memory& memory = Context::current().memory;
  const std::int64_t before = memory.live();
  memory.reset_peak();
  {
    const Tensor a = Tensor::empty({3, 5});
    std::vector<Tensor> handles(3, a);
    EXPECT_EQ(memory.live() - before, 60);
    const Tensor c = Tensor::empty({100});
    EXPECT_EQ(memory.live() - before, 460);
  }
  EXPECT_EQ(memory.live(), before);
  EXPECT_EQ(memory.peak() - before, 460);
}

// Written and read: 8 bytes per element of new tensors and borrowed memory, nothing for views.
TEST(Work, CountsWhatTensorsAreMadeOn) {
  std::vector<float> borrowed(30);
  Context::current().work = {};
  const Tensor a = Tensor::empty({4, 8}), view = a.view({8, 4}, {4, 1}), dataless = a.without_data();
  EXPECT_EQ(Context::current().work.bytes, 8 * 32);
  const Tensor b = Tensor::borrow(borrowed.data(), {5, 6}), c = Tensor::copy_of(a);
  EXPECT_EQ(Context::current().work.bytes, 8 * (32 + 30 + 32));
  {
    const Uncounted tiles;  // excludes operations, but not the traffic of their memory
    const Tensor d = Tensor::empty({2});
  }
  EXPECT_EQ(Context::current().work.bytes, 8 * (32 + 30 + 32 + 2));
}

TEST(Memory, IsEmptyAfterAStepAndAfterAnException) {
  const std::int64_t before = Context::current().memory.live();
  {
    Tape tape({});
    Tensor x = record(Tensor::zeros({4, 4}), [](Tensor) {});
    x = gelu(add(x, x));
    EXPECT_GT(Context::current().memory.live(), before);
    tape.backward();
  }
  EXPECT_EQ(Context::current().memory.live(), before);
  try {
    Tape tape({});
    const Tensor x = gelu(record(Tensor::zeros({4, 4}), [](Tensor) {}));
    (void)add(x, Tensor::zeros({4, 5}));
    ADD_FAILURE() << "shapes that differ were added";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[add] (4,4) and (4,5) do not broadcast: sizes may differ only where one of them is 1");
  }
  EXPECT_EQ(Context::current().memory.live(), before);
  EXPECT_FALSE(recording());
}

// An in-place op must not overwrite a value that a closure keeps or that a view shares.
TEST(Tensor, InPlaceOpsLeaveKeptValuesAlone) {
  Tensor x = Tensor::zeros({2, 2});
  const Tensor view = x.view({4}, {1});
  const Tensor y = scale(add(std::move(x), Tensor::zeros({2, 2})), 3);
  EXPECT_NE(y.data(), view.data());
  for (long i = 0; i < 4; ++i) EXPECT_EQ(view.data()[i], 0);
}

TEST(Tensor, RefusesSizesThatNoMemoryHas) {
  Real number = 0;
  Tensor one = Tensor::zeros({1, 1});
  const std::vector<std::pair<std::function<void()>, const char*>> makers = {
      {[] {
         (void)Tensor::zeros({3, -1});
       },
       "[tensor] the shape (3,-1) has a negative size"},
      {[] {
         (void)Tensor::empty({-1, -1});
       },
       "[tensor] the shape (-1,-1) has a negative size"},
      {[&] { (void)Tensor::borrow(&number, {-1}); }, "[tensor] the shape (-1) has a negative size"},
      {[&] {
         (void)one.view({1, -1}, {1, 1});
       },
       "[tensor] the shape (1,-1) has a negative size"},
      {[] {
         (void)Tensor::zeros({1L << 32, 1L << 31});
       },
       "[tensor] the shape (4294967296,2147483648) has more numbers than memory has addresses"},
      {[] {
         (void)Tensor::empty({1, 1, 1, 1, 1});
       },
       "[tensor] 5 dimensions; there are up to 4"},
  };
  for (const auto& [make, sentence] : makers) try {
      make();
      ADD_FAILURE() << sentence;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), sentence);
    }
  EXPECT_EQ(Tensor::zeros({0, 5}).size(), 0);
}

// Source: the derivative with respect to an unused x is zero; backward must not expect a gradient for it.
TEST(Tape, ALayerThatIgnoresItsInputRunsBackward) {
  Tensor dx;
  const std::vector<Real> ones(4, 1);
  Tape tape({});
  const Tensor x = record(Tensor::zeros({2, 2}), [&](Tensor gradient) { dx = std::move(gradient); });
  const auto ignore = [](const Tensor& value) { return scale(stop_gradient(value), 2); };
  const Tensor y = reversible_mean(x, {{ignore, [](const Tensor&) { return Tensor::zeros({2, 2}); }}});
  Tensor dy = Tensor::empty({2, 2});
  std::copy(ones.begin(), ones.end(), dy.data());
  accumulate_gradient(y, std::move(dy));
  tape.backward();
  EXPECT_EQ(std::vector<Real>(dx.data(), dx.data() + 4), ones);
}

TEST(Tape, AValueUsedTwiceReceivesBothGradients) {
  Tensor dx;
  Tape tape({});
  const Tensor x = record(Tensor::zeros({1, 3}), [&](Tensor d) { dx = std::move(d); });
  const Tensor y = add(scale(x, 2), scale(x, 5));
  Tensor dy = Tensor::empty({1, 3});
  kernels::fill(dy.data(), 3, 1);
  accumulate_gradient(y, dy);
  tape.backward();
  for (long i = 0; i < 3; ++i) EXPECT_EQ(dx.data()[i], 7);
}

TEST(Gemm, OutsideAWorkerIsRefused) {
  const Tensor a = Tensor::zeros({2, 2});
  EXPECT_THROW((void)matmul(a, a), Error);
}

/// Copies a matrix into rows `stride` apart, or into columns if `transposed`.
std::vector<float> laid_out(const std::vector<float>& values, long rows, long cols, bool transposed, long stride) {
  std::vector<float> place(std::size_t((transposed ? cols : rows) * stride));
  for (long i = 0; i < rows; ++i)
    for (long j = 0; j < cols; ++j)
      place[std::size_t(transposed ? j * stride + i : i * stride + j)] = values[std::size_t(i * cols + j)];
  return place;
}

extern "C" int dnnl_set_primitive_cache_capacity(int);

// oneDNN chooses the implementation of a product by all strides, but takes one that it has made for the same product
// with other strides of dimensions of 1. Without its cache, only equal descriptions give equal bits.
TEST(Gemm, DoesNotDependOnStridesThatNoElementUses) {
  const Worker worker;
  dnnl_set_primitive_cache_capacity(0);
  const Random random(5, "gemm", "strides");
  const auto numbers = [&](long size) {
    std::vector<float> all(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = float(random.normal(i));
    return all;
  };
  for (const auto& [m, n, k] : std::vector<std::array<long, 3>>{{1, 1, 8},
                                                                {1, 1, 70},
                                                                {1, 9, 1},
                                                                {5, 1, 8},
                                                                {1, 24, 16},
                                                                {16, 1, 1},
                                                                {5, 7, 1},
                                                                {1, 128, 64},
                                                                {40, 1, 64}}) {
    const std::vector<float> a = numbers(m * k), b = numbers(k * n);
    std::set<std::vector<float>> results;
    for (const bool transpose_a : {false, true})
      for (const bool transpose_b : {false, true})
        for (const long more : {0L, 8L}) {
          // Strides that elements do use stay tight: those of columns of one row, and of rows of one column.
          const long tight_a = transpose_a ? m : k, tight_b = transpose_b ? k : n;
          const bool free_a = (transpose_a ? k : m) == 1, free_b = (transpose_b ? n : k) == 1;
          if ((transpose_a && m > 1 && k > 1) || (transpose_b && k > 1 && n > 1)) continue;
          const long stride_a = tight_a + (free_a ? more : 0), stride_b = tight_b + (free_b ? more : 0);
          const long stride_c = n + (m == 1 ? more : 0);
          const auto a_place = laid_out(a, m, k, transpose_a, stride_a),
                     b_place = laid_out(b, k, n, transpose_b, stride_b);
          std::vector<float> c(std::size_t(m * stride_c));
          kernels::gemm({a_place.data(), transpose_a ? k : m, tight_a, stride_a}, transpose_a,
                        {b_place.data(), transpose_b ? n : k, tight_b, stride_b}, transpose_b,
                        {c.data(), m, n, stride_c});
          c.resize(std::size_t(m * n));
          results.insert(c);
        }
    EXPECT_EQ(results.size(), 1u) << m << " " << n << " " << k;
  }
}

// Source: the definition in double; and gemm, whose pieces must give the same bits as a tile.
TEST(Gemm, ATileIsTheProduct) {
  std::thread([] {
    const Worker worker;
    const Random random(5, "gemm", "tile");
    for (const long k : {48L, 50L, 192L})
      for (const bool transpose_a : {false, true}) {
        const long m = 50, n = 32;
        std::vector<float> a(std::size_t(m * k)), b(std::size_t(k * n)), tile(std::size_t(m * n)), pieces(tile);
        for (std::size_t i = 0; i < a.size(); ++i) a[i] = float(random.normal(i));
        for (std::size_t i = 0; i < b.size(); ++i) b[i] = float(random.normal(a.size() + i));
        for (std::size_t i = 0; i < tile.size(); ++i) tile[i] = pieces[i] = float(i % 7);
        const ConstView av(a.data(), transpose_a ? k : m, transpose_a ? m : k, transpose_a ? m : k);
        kernels::gemm_tile(av, transpose_a, {b.data(), k, n, n}, false, {tile.data(), m, n, n}, true);
        kernels::gemm(av, transpose_a, {b.data(), k, n, n}, false, {pieces.data(), m, n, n}, true);
        if (k % 16 == 0) {
          EXPECT_EQ(tile, pieces) << k << transpose_a;
        }
        for (long i = 0; i < m; ++i)
          for (long j = 0; j < n; ++j) {
            double sum = double((i * n + j) % 7);
            for (long d = 0; d < k; ++d)
              sum += double(a[std::size_t(transpose_a ? d * m + i : i * k + d)]) * double(b[std::size_t(d * n + j)]);
            ASSERT_NEAR(double(tile[std::size_t(i * n + j)]), sum, 1e-4) << k << transpose_a << i << " " << j;
          }
      }
  }).join();
}

// A token's result must not depend on where it lies in a batch: on no instruction set may the bits of a row depend on
// the number of rows or on its place among them.
TEST(Gemm, ARowHasTheSameBitsInAnyCompany) {
  std::thread([] {
    const Worker worker;
    const Random random(5, "gemm", "row");
    for (const auto& [n, k] :
         std::vector<std::pair<long, long>>{{1, 64}, {2, 3}, {7, 50}, {8, 64}, {32, 48}, {64, 256}})
      for (const bool transpose_a : {false, true})
        for (const bool transpose_b : {false, true})
          for (const bool accumulate : {false, true}) {
            std::vector<float> row(static_cast<std::size_t>(k)), b(std::size_t(k * n)), first;
            for (std::size_t i = 0; i < row.size(); ++i) row[i] = float(random.normal(i));
            for (std::size_t i = 0; i < b.size(); ++i) b[i] = float(random.normal(row.size() + i));
            for (const long m : {1L, 2L, 3L, 4L, 7L, 8L, 9L, 29L, 32L, 50L, 128L, 175L, 255L, 256L, 511L}) {
              if (transpose_a && m == 1) continue;  // one row has the bits of a factor that is not transposed
              std::vector<float> a(std::size_t(m * k)), c(std::size_t(m * n), 0.5f);
              for (long i = 0; i < m; ++i)
                for (long d = 0; d < k; ++d) a[std::size_t(transpose_a ? d * m + i : i * k + d)] = row[std::size_t(d)];
              kernels::gemm({a.data(), transpose_a ? k : m, transpose_a ? m : k, transpose_a ? m : k}, transpose_a,
                            {b.data(), transpose_b ? n : k, transpose_b ? k : n, transpose_b ? k : n}, transpose_b,
                            {c.data(), m, n, n}, accumulate);
              if (first.empty()) first.assign(c.begin(), c.begin() + n);
              for (long i = 0; i < m; ++i)
                ASSERT_TRUE(std::equal(first.begin(), first.end(), c.begin() + i * n))
                    << "row " << i << " of " << m << "x" << n << "x" << k << transpose_a << transpose_b << accumulate;
            }
          }
  }).join();
}

// The number of primitives must stay bounded over distinct lengths: sizes are divided into whole tiles, halves and a
// rest.
TEST(Gemm, PrimitivesStayFewOverManyLengths) {
  std::thread([] {
    const Worker worker;
    const Tensor w = Tensor::zeros({16, 16});
    for (long n = 1; n <= 700; ++n) (void)linear(Tensor::zeros({n, 16}), w);
    EXPECT_LE(primitive_count(), 25);
  }).join();
}

}  // namespace
}  // namespace lra
