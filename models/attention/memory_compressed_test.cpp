/// Memory-compressed attention against its explicit convolution and mask.
#include <gtest/gtest.h>

#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

bool everything(long, long) { return true; }

/// Key u is Σ_t W_t x_{uc+t} + b, with zeros after the last token; `null`, if given, precedes them.
Dense compressed(const Trial& trial, const std::string& side, const Dense& x, long c, bool null) {
  const Dense kernel = trial.weights(side + ".kernel");
  const Numbers bias = side == "values" ? trial.run.parameters.at("values.bias") : Numbers(std::size_t(x.cols));
  const long count = (x.rows + c - 1) / c, from = null ? 1 : 0;
  Dense y(from + count, x.cols);
  for (long o = 0; o < x.cols; ++o) {
    if (null) y.at(0, o) = trial.run.parameters.at(side + ".null")[std::size_t(o)];
    for (long u = 0; u < count; ++u) {
      y.at(from + u, o) = bias[std::size_t(o)];
      for (long t = 0; t < c && u * c + t < x.rows; ++t)
        for (long i = 0; i < x.cols; ++i) y.at(from + u, o) += kernel.at(o, t * x.cols + i) * x.at(u * c + t, i);
    }
  }
  return y;
}

TEST(MemoryCompressed, EqualsDenseSoftmaxOverConvolvedKeys) {
  for (const auto& lengths : kLengths)
    for (const long c : {1L, 2L, 3L, 7L})
      for (const bool causal : {false, true}) {
        Trial trial("memory_compressed", {{"factor", c}, {"causal", causal}}, lengths);
        trial.fill_zeros();
        trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
          return attend(q, compressed(trial, "keys", k, c, causal), compressed(trial, "values", v, c, causal), kHeads,
                        softmax_weight, [&](long i, long j) {
                          const long last = j * c - 1;  // last token of key j; key 0 is the learned key
                          return !causal || last <= i;
                        });
        });
      }
}

/// Sets kernels that sum their tokens times `share`, feature by feature, and no bias.
void set_kernels(Trial& trial, double share) {
  Named values = trial.run.parameters;
  for (const char* side : {"keys.kernel", "values.kernel"}) {
    Numbers& kernel = values.at(side);
    const long rows = trial.c.width, cols = long(kernel.size()) / rows;
    for (long o = 0; o < rows; ++o)
      for (long i = 0; i < cols; ++i) kernel[std::size_t(o * cols + i)] = i % rows == o ? share : 0;
  }
  trial.set(values);
}

// Source: a convolution of width one with the unit kernel changes nothing.
TEST(MemoryCompressed, WithTheUnitKernelIsTheTransformer) {
  for (const auto& lengths : kLengths) {
    Trial trial("memory_compressed", {{"factor", 1}}, lengths);
    set_kernels(trial, 1);
    trial.expect([](const Dense& q, const Dense& k, const Dense& v) {
      return attend(q, k, v, kHeads, softmax_weight, everything);
    });
  }
}

// Source: Linformer whose projection takes means of three tokens.
TEST(MemoryCompressed, WithKernelsOfMeansSeesMeans) {
  Trial trial("memory_compressed", {{"factor", 3}}, {12, 129});
  set_kernels(trial, 1.0 / 3);
  trial.expect([](const Dense& q, const Dense& k, const Dense& v) {
    const auto means = [](const Dense& x) {
      Dense y(x.rows / 3, x.cols);
      for (long i = 0; i < x.rows; ++i)
        for (long c = 0; c < x.cols; ++c) y.at(i / 3, c) += x.at(i, c) / 3;
      return y;
    };
    return attend(q, means(k), means(v), kHeads, softmax_weight, everything);
  });
}

// Liu et al., §4.2: blocked and compressed layers alternate, blocked layers first.
TEST(MemoryCompressed, AlternatesWithBlocks) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const long layer : {0L, 1L, 2L}) {
        Trial trial("memory_compressed", {{"alternate", true}, {"block", 7}, {"causal", causal}}, lengths);
        trial.c.layer = layer;
        trial.set({});
        trial.fill_zeros();
        trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
          if (layer % 2 == 0)
            return attend(q, k, v, kHeads, softmax_weight,
                          [&](long i, long j) { return i / 7 == j / 7 && (!causal || j <= i); });
          return attend(q, compressed(trial, "keys", k, 3, causal), compressed(trial, "values", v, 3, causal), kHeads,
                        softmax_weight, [&](long i, long j) { return !causal || j * 3 - 1 <= i; });
        });
      }
}

}  // namespace
}  // namespace lra
