/// SGConv against direct sums with filters that are built from the parameters, part by part.
#include <gtest/gtest.h>

#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"
#include "models/testing/dense_convolution.h"

namespace lra {
namespace {

constexpr std::size_t kWidth = 6;

MixerCase sgconv(std::vector<long> lengths, Json settings) {
  MixerCase c;
  c.model = "sgconv", c.settings = std::move(settings), c.lengths = std::move(lengths);
  c.width = c.qkv = long(kWidth), c.length = 150;
  return c;
}

Numbers input(long tokens) { return rounded(random_numbers(std::size_t(tokens) * kWidth, "x")); }

/// `values` with each of them repeated at `factor` points, linear in between: value v is at point factor·(v + ½) − ½,
/// and the curve is constant before the first and after the last.
Numbers upsampled(const Numbers& values, long factor) {
  Numbers y;
  const long last = long(values.size()) - 1;
  for (long point = 0; point < long(values.size()) * factor; ++point) {
    const auto where = [&](long v) { return double(factor) * (double(v) + 0.5) - 0.5; };
    long right = 0;
    while (right <= last && where(right) < double(point)) ++right;
    if (right == 0 || right > last) {
      y.push_back(values[std::size_t(right == 0 ? 0 : last)]);
    } else {
      const double share = (double(point) - where(right - 1)) / double(factor);
      y.push_back((1 - share) * values[std::size_t(right - 1)] + share * values[std::size_t(right)]);
    }
  }
  return y;
}

/// The whole filter of a column, and its norm. Source: Li et al. arXiv:2210.09298, §3.
Numbers filter(const Numbers& kernel, std::size_t columns, std::size_t f, std::size_t size, double decay) {
  const Numbers values = column(kernel, columns, f);
  Numbers taps;
  double scale = 1;
  for (std::size_t part = 0; part * size < values.size(); ++part, scale /= decay) {
    const auto begin = values.begin() + long(part * size);
    for (const double tap : upsampled({begin, begin + long(size)}, part < 2 ? 1 : 1L << (part - 1)))
      taps.push_back(scale * tap);
  }
  return taps;
}

double norm(const Numbers& taps) { return std::sqrt(dot(taps, taps)); }

TEST(SgConv, IsADirectConvolutionWithMultiScaleFilters) {
  const Worker worker;
  for (const long size : {1L, 5L, 64L, 200L})
    for (const double decay : {1.0, 2.0, 3.5})
      for (const bool causal : {false, true}) {
        const MixerCase c = sgconv({1, 2, 37, 130}, {{"part", size}, {"decay", decay}, {"causal", causal}});
        const Numbers x = input(170);
        const Numbers first = f64::run_mixer(c, x, {}).parameters.at("kernel");
        // Trained filters are divided by the norm of the first ones.
        const Numbers trained = rounded(random_numbers(first.size(), "kernel"));
        const std::size_t columns = (causal ? 1 : 2) * kWidth;
        for (const Numbers& kernel : {first, trained}) {
          const MixerRun exact = f64::run_mixer(c, x, {}, {{"kernel", kernel}});
          std::vector<Taps> taps(kWidth);
          for (std::size_t f = 0; f < columns; ++f) {
            const double by = norm(filter(first, columns, f, std::size_t(size), decay));
            Numbers all = filter(kernel, columns, f, std::size_t(size), decay);
            for (double& tap : all) tap /= by;
            (f < kWidth ? taps[f].after : taps[f - kWidth].before) = all;
          }
          const Numbers want =
              by_sequence(c, x, [&](const Numbers& of) { return gated_convolution(exact.parameters, taps, of); });
          EXPECT_LT(relative_error(exact.result, want), 1e-10) << c.settings;
          EXPECT_LT(relative_error(f32::run_mixer(c, x, {}, exact.parameters).result, want), 1e-5) << c.settings;
        }
      }
}

TEST(SgConv, HasAsManyPartsAsTheTaskNeeds) {
  const Worker worker;
  for (const auto& [length, parts] :
       {std::pair{1L, 1L}, {4L, 1L}, {5L, 2L}, {8L, 2L}, {9L, 3L}, {16L, 3L}, {17L, 4L}}) {
    MixerCase c = sgconv({1}, {{"part", 4}});
    c.length = length;
    EXPECT_EQ(f64::run_mixer(c, input(1), {}).shapes.at("kernel"), (std::vector<long>{4 * parts, 2 * long(kWidth)}))
        << length;
  }
}

// Source: the norm of a filter of one part is that of its values, whatever the task's length.
TEST(SgConv, StartsWithFiltersOfNormOne) {
  const Worker worker;
  const MixerRun run = f64::run_mixer(sgconv({1}, {{"part", 200}}), input(1), {});
  for (std::size_t f = 0; f < 2 * kWidth; ++f)
    EXPECT_NEAR(run.parameters.at("norm")[f], norm(column(run.parameters.at("kernel"), 2 * kWidth, f)), 1e-12);
}

}  // namespace
}  // namespace lra
