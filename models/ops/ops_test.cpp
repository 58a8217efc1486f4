/// Every op: gradients against central differences in double, and the float engine against double.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <map>
#include <numeric>
#include <tuple>

#include "core/error.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/bridge.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

class EveryOp : public testing::TestWithParam<OpCase> {
 protected:
  std::vector<Numbers> inputs() const {
    std::vector<Numbers> all;
    for (std::size_t i = 0; i < GetParam().inputs.size(); ++i) {
      std::size_t n = 1;
      for (const long d : GetParam().inputs[i]) n *= std::size_t(d);
      all.push_back(rounded(random_numbers(n, GetParam().name + std::to_string(i), GetParam().positive)));
    }
    return all;
  }
  Numbers cotangent(std::size_t n) const { return rounded(random_numbers(n, GetParam().name + "dy")); }

  void expect_central_differences() const;
  void expect_float_agrees() const;
  void expect_constants_change_nothing() const;
  void expect_shapes_taken_or_named() const;
};

// Source of the expected numbers: (f(x + h) − f(x − h)) / 2h of the op's own forward pass in double, h = 1e-5.
void EveryOp::expect_central_differences() const {
  constexpr double kStep = 1e-5;
  std::vector<Numbers> x = inputs();
  const Numbers dy = cotangent(f64::run_op(GetParam().name, x, {}).result.size());
  const OpRun run = f64::run_op(GetParam().name, x, dy);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t stride = std::max<std::size_t>(1, x[i].size() / 40);  // up to 40 elements per input
    Numbers expected, actual;
    for (std::size_t e = 0; e < x[i].size(); e += stride) {
      const double value = x[i][e];
      x[i][e] = value + kStep;
      const double above = dot(f64::run_op(GetParam().name, x, {}).result, dy);
      x[i][e] = value - kStep;
      const double below = dot(f64::run_op(GetParam().name, x, {}).result, dy);
      x[i][e] = value;
      expected.push_back((above - below) / (2 * kStep));
      actual.push_back(run.gradients.at(i).at(e));
    }
    EXPECT_LT(relative_error(actual, expected), 1e-6) << "input " << i;
    // The check is sharp: a gradient that is 0.1 % too large would fail, unless it is zero.
    if (dot(expected, expected) < 1e-12) continue;
    for (double& value : actual) value *= 1.001;
    EXPECT_GT(relative_error(actual, expected), 1e-4) << "input " << i;
  }
}

// Source: the same op in double over plain loops.
void EveryOp::expect_float_agrees() const {
  const std::vector<Numbers> x = inputs();
  const Numbers dy = cotangent(f64::run_op(GetParam().name, x, {}).result.size());
  const OpRun exact = f64::run_op(GetParam().name, x, dy), shipped = f32::run_op(GetParam().name, x, dy);
  EXPECT_LT(relative_error(shipped.result, exact.result), 1e-5);
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_LT(relative_error(shipped.gradients.at(i), exact.gradients.at(i)), 1e-5) << "input " << i;
}

/// Holds each input constant in turn, then all of them.
void hold_each_constant(const decltype(f32::run_op)& run_op, const std::string& name, const std::vector<Numbers>& x,
                        const Numbers& dy) {
  const OpRun all_vary = run_op(name, x, dy, {});
  std::set<std::size_t> everything;
  for (std::size_t held = 0; held < x.size(); ++held) {
    everything.insert(held);
    const OpRun run = run_op(name, x, dy, {held});
    EXPECT_EQ(run.result, all_vary.result) << "input " << held << " held constant";
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(run.gradients.at(i), i == held ? Numbers() : all_vary.gradients.at(i))
          << "gradient of input " << i << ", input " << held << " held constant";
  }
  EXPECT_EQ(run_op(name, x, dy, everything).gradients, std::vector<Numbers>(x.size()));
}

// Source: the derivative with respect to one input does not depend on whether another is constant.
void EveryOp::expect_constants_change_nothing() const {
  const std::vector<Numbers> x = inputs();
  const Numbers dy = cotangent(f64::run_op(GetParam().name, x, {}).result.size());
  hold_each_constant(f32::run_op, GetParam().name, x, dy);
  hold_each_constant(f64::run_op, GetParam().name, x, dy);
}

/// The shape with one size changed, or with another number of dimensions.
std::vector<std::vector<long>> neighbours(const std::vector<long>& shape) {
  std::vector<std::vector<long>> all;
  for (std::size_t d = 0; d < shape.size(); ++d)
    for (const long size : {shape[d] + 1, shape[d] - 1, 0L}) {
      all.push_back(shape);
      all.back()[d] = size;
    }
  all.push_back({std::accumulate(shape.begin(), shape.end(), 1L, std::multiplies<>())});
  if (shape.size() < 3) all.push_back(shape), all.back().push_back(1);
  if (shape.size() < 3) all.push_back(shape), all.back().insert(all.back().begin(), 1);
  return all;
}

// An op that accepts a shape must stay within its memory, which a sanitizer checks; an op that rejects it must name it.
void EveryOp::expect_shapes_taken_or_named() const {
  int refused = 0;
  for (std::size_t i = 0; i < GetParam().inputs.size(); ++i)
    for (const std::vector<long>& shape : neighbours(GetParam().inputs[i])) {
      std::vector<std::vector<long>> shapes = GetParam().inputs;
      shapes[i] = shape;
      std::string text;
      for (const long d : shape) text += (text.empty() ? "(" : ",") + std::to_string(d);
      try {
        f32::try_op(GetParam().name, shapes);
      } catch (const Error& error) {
        const std::string sentence = error.what();
        EXPECT_TRUE(sentence.starts_with("[") && sentence.find('(') != std::string::npos) << sentence;
        ++refused;
      } catch (const std::exception& error) {
        ADD_FAILURE() << text << ") as input " << i << ": " << error.what();
      }
    }
  if (GetParam().inputs.size() > 1) {
    EXPECT_GT(refused, 0);
  }
}

// One process per op, not one per check: under a sanitizer starting takes longer than most checks.
TEST_P(EveryOp, PassesEveryCheck) {
  const Worker worker;
  const auto check = [](const char* what, const auto& run) {
    SCOPED_TRACE(what);
    run();
  };
  check("backward equals central differences", [&] { expect_central_differences(); });
  check("float agrees with double", [&] { expect_float_agrees(); });
  check("constant inputs change no other gradient", [&] { expect_constants_change_nothing(); });
  check("takes a shape or names it", [&] { expect_shapes_taken_or_named(); });
}

INSTANTIATE_TEST_SUITE_P(All, EveryOp, testing::ValuesIn(f64::op_cases()), [](const auto& instance) {
  std::string name = instance.param.name;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

// Source: the separate ops. Dropout masks must agree too: their numbers do not depend on tiles.
TEST(FeedForward, EqualsItsParts) {
  std::vector<Numbers> x;
  for (const long n : {530 * 5, 15 * 5, 15, 5 * 15, 5, 5, 5})
    x.push_back(random_numbers(std::size_t(n), "feed" + std::to_string(x.size())));
  const Numbers dy = random_numbers(530 * 5, "dy");
  const OpRun joined = f64::run_op("feed_forward, norm, residual, dropout, several tiles", x, dy);
  const OpRun parts = f64::run_op("feed_forward by its parts", x, dy);
  EXPECT_LT(relative_error(joined.result, parts.result), 1e-14);
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_LT(relative_error(joined.gradients.at(i), parts.gradients.at(i)), 1e-12) << "input " << i;
}

// Both ops apply the same dropout mask, so their results agree up to rounding.
TEST(Attention, TiledEqualsMaterializedUnderDropout) {
  const Worker worker;
  const std::vector<Numbers> x = {rounded(random_numbers(15 * 6, "q")), rounded(random_numbers(15 * 6, "k")),
                                  rounded(random_numbers(15 * 6, "v"))};
  const Numbers dy = rounded(random_numbers(15 * 6, "dy"));
  const OpRun tiled = f64::run_op("attention, ragged, dropout", x, dy),
              textbook = f64::run_op("materialized attention", x, dy);
  EXPECT_LT(relative_error(tiled.result, textbook.result), 1e-12);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_LT(relative_error(tiled.gradients[i], textbook.gradients[i]), 1e-12);
}

// However the pairs are divided into parts, each counts once.
TEST(Attention, PartsAddUpToTheWhole) {
  const Worker worker;
  for (const auto& [pieces, whole, n, width] :
       {std::tuple{"sparse attention, everything in pieces", "attention, ragged", 15L, 6L},
        {"sparse attention, several tiles in pieces", "attention, several tiles", 300L, 8L}}) {
    std::vector<Numbers> x;
    for (const char* name : {"q", "k", "v"}) x.push_back(rounded(random_numbers(std::size_t(n * width), name)));
    const Numbers dy = rounded(random_numbers(std::size_t(n * width), "dy"));
    const OpRun parts = f64::run_op(pieces, x, dy), one = f64::run_op(whole, x, dy);
    EXPECT_LT(relative_error(parts.result, one.result), 1e-12) << pieces;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_LT(relative_error(parts.gradients[i], one.gradients[i]), 1e-12);
    EXPECT_LT(relative_error(f32::run_op(pieces, x, dy).result, one.result), 1e-6) << pieces;
  }
}

// With uniform probabilities and the unit matrix as values, the result shows which pairs are kept. Expected: 3/4 of the
// pairs in the "columns" of step 7, independently for each query, so that two masks agree in (3/4)² + (1/4)² of the
// keys that both see. Bounds: 5 standard deviations of binomial counts.
TEST(Attention, PairsOfAPatternDropIndependently) {
  constexpr long kN = 120;
  std::vector<Numbers> x(3, Numbers(kN * kN));
  for (std::size_t i = 0; i < kN; ++i) x[2][i * kN + i] = 1;
  const Numbers y = f64::run_op("sparse attention, mask", x, {}).result;
  const auto seen = [](long i, long j) { return (i - j <= 6 && j - i <= 1) || (i - j) % 7 == 0; };
  const auto within = [](long correct, long of, double share) {
    return std::abs(double(correct) - share * double(of)) < 5 * std::sqrt(share * (1 - share) * double(of));
  };
  long pairs = 0, kept = 0;
  std::map<long, std::pair<long, long>> agreement;  // by distance of queries: keys that both see, and agreements
  for (long i = 0; i < kN; ++i)
    for (long j = 0; j < kN; ++j) {
      const bool keeps = y[std::size_t(i * kN + j)] != 0;
      if (!seen(i, j)) {
        ASSERT_FALSE(keeps) << i << " " << j;
        continue;
      }
      ++pairs, kept += keeps;
      for (long other = 0; other < i; ++other)
        if (seen(other, j)) {
          auto& [both, equal] = agreement[i - other];
          ++both, equal += keeps == (y[std::size_t(other * kN + j)] != 0);
        }
    }
  EXPECT_TRUE(within(kept, pairs, 0.75)) << kept << " of " << pairs;
  for (const auto& [distance, count] : agreement)
    EXPECT_TRUE(within(count.second, count.first, 0.625)) << "queries " << distance << " apart";
}

/// The message of the error that f throws.
template <typename F>
std::string sentence_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Shapes, AreNamedWithTheirOp) {
  const Tensor a = Tensor::zeros({4, 6}), b = Tensor::zeros({3, 6}), c = Tensor::zeros({4, 5});
  SequenceLayout layout;
  layout.offsets = {0, 4}, layout.sequences = {0}, layout.length = 4;
  EXPECT_EQ(sentence_of([&] {
              (void)concat_columns(std::vector{a, b});
            }),
            "[concat_columns] (4,6) and (3,6) differ in height");
  EXPECT_EQ(sentence_of([&] {
              (void)concat_rows(std::vector{a, c});
            }),
            "[concat_rows] (4,6) and (4,5) differ in width");
  EXPECT_EQ(sentence_of([&] { (void)concat_rows({}); }), "[concat_rows] received no tensors");
  EXPECT_EQ(sentence_of([&] {
              (void)linear(a, Tensor::zeros({2, 6}), Tensor::zeros({3}));
            }),
            "[linear] bias (3), expected a contiguous (2)");
  EXPECT_EQ(sentence_of([&] {
              (void)linear(transposed(a), Tensor::zeros({2, 4}));
            }),
            "[linear] x (6,4) is not a contiguous matrix");
  EXPECT_EQ(sentence_of([&] { (void)softmax_attention(a, a, c, 2, Window::everything(), {}, layout, layout); }),
            "[softmax_attention] values (4,5), expected a contiguous (4,6)");
  EXPECT_EQ(sentence_of([&] { (void)softmax_attention(a, a, a, 0, Window::everything(), {}, layout, layout); }),
            "[softmax_attention] queries (4,6) does not divide into 0 heads");
  EXPECT_EQ(sentence_of([&] { (void)softmax_attention(a, a, a, 2, Window::blocks(0), {}, layout, layout); }),
            "[softmax_attention] blocks of 0 tokens");
  EXPECT_EQ(sentence_of([&] {
              (void)sparse_attention(
                  a, a, a, 2,
                  [](long, long, const PartVisitor& visit) {
                    visit({Positions::all(5), Positions::all(4)});
                  },
                  {}, layout, layout);
            }),
            "[sparse_attention] a part of the pattern goes beyond 4 queries and 4 keys");
  EXPECT_EQ(sentence_of([&] { (void)heads(a, 0); }), "[heads] x (4,6) does not divide into 0 heads");
  EXPECT_EQ(sentence_of([&] { (void)rows(a, 3, -1); }), "[rows] (4,6) has no -1 rows from 3");
  EXPECT_EQ(sentence_of([&] { (void)pool_rows(a, {}, 3, 0, layout); }),
            "[pools_of] pools with a stride of 0 tokens; it must be at least 1");
  EXPECT_EQ(sentence_of([&] { (void)gelu({}); }), "[gelu] received a tensor without values");
  EXPECT_EQ(sentence_of([&] {
              (void)sorted_attention(a, a, a, 1, {{{{0, 1, 2, 2}, {0}}}}, 2, false, 1, {}, layout);
            }),
            "[sorted_attention] order 1 is not a permutation of the 4 tokens of its sequence, with runs");
}

// Source: limits, and closed forms: e^−20 (1 − e^−20 / 2), log 2, 30 log 10.
TEST(Elementwise, StaysFiniteAtExtremeInputs) {
  const auto of = [](Tensor (*f)(Tensor), Real value) { return f(Tensor::full({1, 1}, value)).data()[0]; };
  EXPECT_EQ(of(softplus, 1e30F), 1e30F);
  EXPECT_EQ(of(softplus, -1e30F), 0);
  EXPECT_FLOAT_EQ(of(softplus, -20), 2.0611536e-9F);
  EXPECT_FLOAT_EQ(of(softplus, 0), 0.6931472F);
  EXPECT_EQ(of(silu, 1e30F), 1e30F);
  EXPECT_EQ(of(silu, -1e30F), 0);
  EXPECT_FLOAT_EQ(of(silu, -20), -4.1223072e-8F);
  EXPECT_EQ(of(tanh, 1e30F), 1);
  EXPECT_EQ(of(tanh, -1e30F), -1);
  EXPECT_FLOAT_EQ(of(tanh, 1e-6F), 1e-6F);
  EXPECT_FLOAT_EQ(of(log, 1e-30F), -69.077553F);
  EXPECT_FLOAT_EQ(of(log, 1e30F), 69.077553F);
  EXPECT_EQ(of(exp, -1e30F), 0);
}

// Source: the derivatives' limits.
TEST(Elementwise, GradientsStayFiniteAtExtremeInputs) {
  const auto slope = [](Tensor (*f)(Tensor), Real value) {
    Real gradient = 0;
    Tape tape({});
    Tensor x = record(Tensor::full({1, 1}, value), [&gradient](const Tensor& dx) { gradient = dx.data()[0]; });
    accumulate_gradient(f(x), Tensor::ones({1, 1}));
    tape.backward();
    return gradient;
  };
  for (const auto f : {softplus, silu, tanh}) {
    EXPECT_EQ(slope(f, 1e30F), f == tanh ? 0 : 1);
    EXPECT_EQ(slope(f, -1e30F), 0);
  }
}

// Source: hand calculation.
TEST(Broadcast, SumsAndDepthwiseConvolutionOnSmallNumbers) {
  Tensor x = Tensor::empty({3, 2});
  for (long i = 0; i < 6; ++i) x.data()[i] = Real(i + 1);  // 1 2 | 3 4 | 5 6
  const auto values = [](const Tensor& y) { return std::vector<Real>(y.data(), y.data() + y.size()); };
  Tensor row = Tensor::full({2}, 10), column = Tensor::ones({3, 1});
  row.data()[1] = 20, column.data()[2] = 2;
  EXPECT_EQ(values(add(x, row)), (std::vector<Real>{11, 22, 13, 24, 15, 26}));
  EXPECT_EQ(values(subtract(row, x)), (std::vector<Real>{9, 18, 7, 16, 5, 14}));
  EXPECT_EQ(values(divide(x, column)), (std::vector<Real>{1, 2, 3, 4, 2.5, 3}));
  EXPECT_EQ(values(multiply(column, row)), (std::vector<Real>{10, 20, 10, 20, 20, 40}));
  EXPECT_EQ(values(sum(x, 0)), (std::vector<Real>{9, 12}));
  EXPECT_EQ(values(mean(x, 1)), (std::vector<Real>{1.5, 3.5, 5.5}));
  SequenceLayout layout;
  layout.offsets = {0, 2, 3}, layout.sequences = {0, 1}, layout.length = 2;
  EXPECT_EQ(values(cumulative_sum(x, layout)), (std::vector<Real>{1, 2, 4, 6, 5, 6}));
  Tensor taps = Tensor::ones({1, 2});
  taps.data()[0] = 100;  // weight of the previous token
  EXPECT_EQ(values(depthwise_convolution(x, taps, layout, true)), (std::vector<Real>{1, 2, 103, 204, 5, 6}));
  EXPECT_EQ(sentence_of([&] {
              (void)add(x, Tensor::ones({2, 3}));
            }),
            "[add] (3,2) and (2,3) do not broadcast: sizes may differ only where one of them is 1");
  EXPECT_EQ(sentence_of([&] { (void)depthwise_convolution(x, taps, layout); }),
            "[depthwise_convolution] weights (1,2) do not fit x (3,2)");
  EXPECT_EQ(sentence_of([&] { (void)sum(x, 2); }), "[sum] (3,2) has no axis 2");
}

// Source: eq. 34 of the paper as a complex product, x_(2c) + i·x_(2c+1) times e^(i·t·θ_c); and its purpose, products of
// queries and keys that depend on nothing but their distance.
TEST(Rotary, TurnsPairsByTheirPosition) {
  const Worker worker;
  constexpr long kHeads = 2, kWidth = 5, kTokens = 4096;
  SequenceLayout layout, single;
  layout.offsets = {0, 3, 3 + kTokens};
  single.offsets = {0, kTokens};
  const Numbers x = rounded(random_numbers(std::size_t((3 + kTokens) * kHeads * kWidth), "x"));
  Tensor input = Tensor::empty({3 + kTokens, kHeads * kWidth});
  std::copy(x.begin(), x.end(), input.data());
  const Tensor y = rotary(Tensor::copy_of(input), kHeads, layout);
  double farthest = 0;
  for (long row = 0; row < 3 + kTokens; ++row)
    for (long h = 0; h < kHeads; ++h) {
      const long at = (row * kHeads + h) * kWidth, t = row < 3 ? row : row - 3;
      for (long c = 0; c + 1 < kWidth; c += 2) {
        const std::complex<double> turned = std::complex(x[std::size_t(at + c)], x[std::size_t(at + c + 1)]) *
                                            std::polar(1.0, double(t) * std::pow(10000.0, -double(c) / kWidth));
        farthest = std::max(farthest, std::abs(turned - std::complex<double>(y.data()[at + c], y.data()[at + c + 1])));
      }
      EXPECT_EQ(y.data()[at + 4], input.data()[at + 4]) << "a feature without a partner";
    }
  EXPECT_LT(farthest, 1e-6);

  Tensor same = Tensor::empty({kTokens, 4});
  for (long i = 0; i < same.size(); ++i) same.data()[i] = Real(0.3 + 0.2 * double(i % 4));
  const Tensor turned = rotary(same, 1, single);
  const auto product = [&](long i, long j) {
    double sum = 0;
    for (long c = 0; c < 4; ++c) sum += double(turned.data()[4 * i + c]) * double(turned.data()[4 * j + c]);
    return sum;
  };
  for (const long distance : {1L, 17L, 1000L})
    EXPECT_NEAR(product(0, distance), product(3000, 3000 + distance), 1e-6) << distance;
}

// Source: the definition of a doubly stochastic matrix.
TEST(Sinkhorn, BalancesRowsAndColumns) {
  const Numbers y = f64::run_op("sinkhorn, balanced", {random_numbers(19 * 19, "scores")}, {}).result;
  for (std::size_t u = 0; u < 19; ++u) {
    double row = 0, column = 0;
    for (std::size_t v = 0; v < 19; ++v) {
      EXPECT_GE(y[u * 19 + v], 0);
      row += y[u * 19 + v];
      column += y[v * 19 + u];
    }
    EXPECT_NEAR(row, 1, 1e-10);
    EXPECT_NEAR(column, 1, 1e-10);
  }
}

}  // namespace
}  // namespace lra
