/// Long convolutions against their definition, evaluated in double.
#include <gtest/gtest.h>

#include <functional>

#include "core/random.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

Tensor random_tensor(const Shape& shape, const std::string& name) {
  Tensor x = Tensor::empty(shape);
  const Random random(11, "long convolution", name);
  for (long i = 0; i < x.size(); ++i) x.data()[i] = float(random.normal(std::uint64_t(i)));
  return x;
}

SequenceLayout layout_of(const std::vector<long>& lengths) {
  SequenceLayout layout;
  layout.offsets = {0};
  for (const long n : lengths) layout.offsets.push_back(layout.offsets.back() + n);
  layout.sequences.resize(lengths.size());
  return layout;
}

struct Gradients {
  Tensor x, after, before;
};

/// One pass forward and, with dy, backward.
Tensor pass(const Tensor& x, const Tensor& after, const Tensor& before, const SequenceLayout& layout,
            const Tensor& dy = {}, Gradients* gradients = nullptr) {
  if (!gradients) return long_convolution(x, after, before, layout);
  Tape tape({});
  const auto watched = [](const Tensor& value, Tensor& gradient) {
    return value.defined() ? record(Tensor(value), [&gradient](Tensor dx) { gradient = std::move(dx); }) : Tensor();
  };
  const Tensor y = long_convolution(watched(x, gradients->x), watched(after, gradients->after),
                                    watched(before, gradients->before), layout);
  accumulate_gradient(y, Tensor::copy_of(dy));
  tape.backward();
  return y;
}

/// Compares column c of some rows of a tensor with sums in double.
double column_error(const Tensor& x, long c, const std::vector<long>& rows, const std::function<double(long)>& exact) {
  Numbers got, want;
  for (const long i : rows) {
    got.push_back(x.data()[i * x.dim(1) + c]);
    want.push_back(exact(i));
  }
  return relative_error(got, want);
}

/// The definition, and its derivatives, for one sequence.
struct Definition {
  const Tensor &x, &after, &before, &dy;
  long n, c;

  double at(const Tensor& t, long i) const { return t.data()[i * t.dim(1) + c]; }
  double tap(long lag) const { return lag >= 0 ? at(after, lag) : before.defined() ? at(before, -1 - lag) : 0; }
  double result(long i) const {
    double sum = 0;
    for (long j = 0; j < n; ++j) sum += tap(i - j) * at(x, j);
    return sum;
  }
  double x_gradient(long j) const {
    double sum = 0;
    for (long i = 0; i < n; ++i) sum += tap(i - j) * at(dy, i);
    return sum;
  }
  double tap_gradient(long lag) const {
    double sum = 0;
    for (long j = std::max(0L, -lag); j < std::min(n, n - lag); ++j) sum += at(dy, j + lag) * at(x, j);
    return sum;
  }
};

/// `count` rows of n, the first and the last among them.
std::vector<long> some_rows(long n, long count) {
  std::vector<long> rows;
  for (long i = 0; i < std::min(n, count); ++i) rows.push_back(n <= count ? i : i * (n - 1) / (count - 1));
  return rows;
}

class LongConvolution : public testing::TestWithParam<long> {};

TEST_P(LongConvolution, IsItsDefinition) {
  const long n = GetParam(), c = 19;
  const SequenceLayout layout = layout_of({n});
  const Tensor x = random_tensor({n, c}, "x"), dy = random_tensor({n, c}, "dy");
  const Tensor after = random_tensor({n + 2, c}, "after"), earlier = random_tensor({n + 2, c}, "before");
  const std::vector<long> rows = some_rows(n, 40);
  for (const Tensor& before : {Tensor(), earlier}) {
    Gradients gradients;
    const Tensor y = pass(x, after, before, layout, dy, &gradients);
    for (const long column : {0L, 7L, c - 1}) {
      const Definition exact{x, after, before, dy, n, column};
      EXPECT_LT(column_error(y, column, rows, [&](long i) { return exact.result(i); }), 1e-6);
      EXPECT_LT(column_error(gradients.x, column, rows, [&](long i) { return exact.x_gradient(i); }), 1e-6);
      EXPECT_LT(column_error(gradients.after, column, rows, [&](long i) { return exact.tap_gradient(i); }), 1e-6);
      if (before.defined() && n > 1) {
        EXPECT_LT(column_error(gradients.before, column, some_rows(n - 1, 40),
                               [&](long i) { return exact.tap_gradient(-1 - i); }),
                  1e-6);
      }
      EXPECT_EQ(gradients.after.data()[n * c + column], 0) << "beyond the sequence";
      if (before.defined()) {
        EXPECT_EQ(gradients.before.data()[(n - 1) * c + column], 0) << "beyond the sequence";
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(AtLength, LongConvolution,
                         testing::Values(1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 19, 31, 60, 255, 257, 1000, 1025, 4096, 4099,
                                         16384, 16401),
                         testing::PrintToStringParamName());

// Bits, not only values: neither neighbours nor taps beyond a sequence take part in its sums.
TEST(LongConvolutions, DoNotDependOnTheBatch) {
  const long c = 5, most = 300;
  const SequenceLayout packed = layout_of({257, 100, most, 1, 257});
  const Tensor x = random_tensor({packed.tokens(), c}, "x");
  Tensor after = random_tensor({most, c}, "after"), before = random_tensor({most, c}, "before");
  const Tensor together = pass(x, after, before, packed);
  for (long s = 0; s < packed.count(); ++s) {
    const long n = packed.size(s), from = packed.begin(s) * c;
    const Tensor alone = pass(rows(x, packed.begin(s), n), rows(after, 0, n), rows(before, 0, n), layout_of({n}));
    EXPECT_TRUE(std::equal(alone.data(), alone.data() + n * c, together.data() + from)) << s;
  }
}

// Powers of two and few sizes between, so that one more token than 1,024 or 4,096 costs a quarter more, not twice.
TEST(LongConvolutions, HaveTransformsOfGoodSizes) {
  for (const auto& [n, length] : std::vector<std::pair<long, long>>{{1, 1},
                                                                    {2, 2},
                                                                    {3, 3},
                                                                    {4, 4},
                                                                    {5, 5},
                                                                    {6, 8},
                                                                    {9, 12},
                                                                    {13, 16},
                                                                    {1024, 1024},
                                                                    {1025, 1280},
                                                                    {2000, 2048},
                                                                    {2049, 3072},
                                                                    {4097, 5120},
                                                                    {16384, 16384},
                                                                    {16385, 20480}})
    EXPECT_EQ(kernels::transform_length(n), length) << n;
}

}  // namespace
}  // namespace lra
