/// Each model against an independent dense evaluation of the paper's equations in double.
#include <gtest/gtest.h>

#include "models/testing/dense.h"

namespace lra {
namespace {

TEST(Transformer, EqualsDenseSoftmax) {
  for (const auto& lengths : kLengths)
    for (const bool materialized : {false, true})
      for (const bool causal : {false, true})
        Trial("transformer", {{"materialized", materialized}, {"causal", causal}}, lengths)
            .expect([&](const Dense& q, const Dense& k, const Dense& v) {
              return attend(q, k, v, 3, softmax_weight, visible_if(causal));
            });
}

TEST(Local, EqualsDenseSoftmaxOverItsBlocks) {
  for (const auto& lengths : kLengths)
    for (const long block : {1L, 4L, 50L, 64L, 128L, 1000L})
      Trial("local", {{"block", block}}, lengths).expect([&](const Dense& q, const Dense& k, const Dense& v) {
        return attend(q, k, v, 3, softmax_weight, [&](long i, long j) { return i / block == j / block; });
      });
}

TEST(Local, EqualsDenseSoftmaxOverNeighboursAndWindows) {
  for (const auto& lengths : kLengths) {
    Trial("local", {{"block", 7}, {"neighbours", 2}}, lengths)
        .expect([&](const Dense& q, const Dense& k, const Dense& v) {
          return attend(q, k, v, 3, softmax_weight, [&](long i, long j) { return std::abs(i / 7 - j / 7) <= 2; });
        });
    Trial("local", {{"window", 9}}, lengths).expect([&](const Dense& q, const Dense& k, const Dense& v) {
      return attend(q, k, v, 3, softmax_weight, [&](long i, long j) { return std::abs(i - j) <= 9; });
    });
  }
}

TEST(Linear, EqualsItsDenseKernelMatrix) {
  const auto feature = [](double x) { return x > 0 ? x + 1 : std::exp(x); };
  for (const auto& lengths : kLengths)
    Trial("linear", {{"epsilon", 1e-6}}, lengths).expect([&](const Dense& q, const Dense& k, const Dense& v) {
      const Weight weight = [&](const double* a, const double* b, long width) {
        double s = 0;
        for (long d = 0; d < width; ++d) s += feature(a[d]) * feature(b[d]);
        return s;
      };
      return attend(
          q, k, v, 3, weight, [](long, long) { return true; }, 1e-6);
    });
}

/// The first n rows of the projection E (length,k), transposed onto x: Ē = Eᵀx.
Dense project_rows(const Dense& e, const Dense& x) {
  Dense y(e.cols, x.cols);
  for (long r = 0; r < e.cols; ++r)
    for (long i = 0; i < x.rows; ++i)
      for (long c = 0; c < x.cols; ++c) y.at(r, c) += e.at(i, r) * x.at(i, c);
  return y;
}

TEST(Linformer, EqualsDenseSoftmaxOverProjectedRows) {
  for (const auto& lengths : kLengths)
    for (const bool share : {true, false}) {
      const Trial run("linformer", {{"k", 5}, {"share", share}}, lengths);
      const Dense e = run.weights("key_rows"), f = share ? e : run.weights("value_rows");
      run.expect([&](const Dense& q, const Dense& k, const Dense& v) {
        return attend(q, project_rows(e, k), project_rows(f, v), 3, softmax_weight, [](long, long) { return true; });
      });
    }
}

// k = N and E = I make it the Transformer (Wang et al., §4: the projection is then a change of basis that keeps every
// key).
TEST(Linformer, WithTheUnitProjectionIsTheTransformer) {
  Trial run("linformer", {{"k", 6}}, {6});
  Named parameters = run.run.parameters;
  Numbers& e = parameters.at("key_rows");
  for (std::size_t i = 0; i < e.size(); ++i) e[i] = i / 6 == i % 6;
  run.run = f64::run_mixer(run.c, run.x, random_numbers(run.x.size(), "dy"), parameters);
  run.expect([](const Dense& q, const Dense& k, const Dense& v) {
    return attend(q, k, v, 3, softmax_weight, [](long, long) { return true; });
  });
}

TEST(Identity, MixesNothing) {
  const Trial run("identity", Json::object(), {5, 3});
  EXPECT_EQ(run.run.result, Numbers(run.x.size(), 0.0));
}

}  // namespace
}  // namespace lra
