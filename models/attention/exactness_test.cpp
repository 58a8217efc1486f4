/// Each model against an independent dense evaluation of the paper's equations in double.
#include <gtest/gtest.h>

#include "models/testing/contract.h"
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

// Wang et al., eq. 7: softmax(Q(E_i K)ᵀ/√d)·F_i V, with E_i = F_i, one E for all heads, both or neither.
TEST(Linformer, EqualsDenseSoftmaxOverProjectedRows) {
  for (const auto& lengths : kLengths)
    for (const bool share : {true, false})
      for (const bool share_heads : {true, false})
        for (const bool share_layers : {false, true}) {
          const Trial run("linformer",
                          {{"k", 5}, {"share", share}, {"share_heads", share_heads}, {"share_layers", share_layers}},
                          lengths);
          const std::string place = share_layers ? "shared." : "";
          const Dense e = run.weights(place + "key_rows"), f = share ? e : run.weights(place + "value_rows");
          run.expect([&](const Dense& q, const Dense& k, const Dense& v) {
            return by_heads(3, [&](long h) {
              const auto own = [&](const Dense& map) { return share_heads ? map : of_head(map, h, 3); };
              return attend(of_head(q, h, 3), project_rows(own(e), of_head(k, h, 3)),
                            project_rows(own(f), of_head(v, h, 3)), 1, softmax_weight, visible_if(false));
            });
          });
        }
}

// Wang et al., §4, "general projections": kernel and stride are length / k, so the projection is a matrix with one run
// of weights per row.
TEST(Linformer, ByGroupsEqualsTheMatrixOfItsWeights) {
  for (const auto& lengths : kLengths)
    for (const char* projection : {"mean", "convolution"})
      for (const bool share : {true, false}) {
        const Trial run("linformer", {{"k", 7}, {"projection", projection}, {"share", share}}, lengths);
        const long group = (*std::max_element(lengths.begin(), lengths.end()) + 6) / 7;
        const auto matrix = [&](const std::string& name, long n) {
          Dense e(n, (n + group - 1) / group);
          for (long i = 0; i < n; ++i)
            e.at(i, i / group) = projection[0] == 'm' ? 1 / double(std::min(group, n - i / group * group))
                                                      : run.weights(name).at(0, i % group);
          return e;
        };
        run.expect([&](const Dense& q, const Dense& k, const Dense& v) {
          return attend(q, project_rows(matrix("key_rows", k.rows), k),
                        project_rows(matrix(share ? "key_rows" : "value_rows", v.rows), v), 3, softmax_weight,
                        visible_if(false));
        });
        MixerCase c = run.c;
        c.attention_dropout = 0.2;
        EXPECT_LT(error_along_directions(c), 1e-6) << projection;
        EXPECT_LT(error_in_float(c), 1e-5) << projection;
      }
}

// Source: two layers whose own projections are equal.
TEST(Linformer, LayersThatShareAProjectionAddUpItsGradients) {
  ModelCase c;
  c.model = "linformer", c.settings = {{"k", 4}};
  c.encoder = {{"width", 12}, {"ff", 20}, {"heads", 3}, {"layers", 2}, {"dropout", 0.0}, {"attention_dropout", 0.0}};
  c.task = {"test", "test", 40, 9, 3, false, 0, 0};
  c.batch.ids = {3, 1, 4, 1, 5, 9, 2, 6};
  c.batch.offsets = {0, 5, 8}, c.batch.labels = {2, 0}, c.batch.examples = {0, 1};
  const Numbers e = random_numbers(9 * 4, "e");
  const ModelRun apart = f64::run_model(c, {{"encoder.0.mixer.key_rows", e}, {"encoder.1.mixer.key_rows", e}});
  c.settings["share_layers"] = true;
  const ModelRun together = f64::run_model(c, {{"shared.key_rows", e}});
  EXPECT_LT(relative_error(together.logits, apart.logits), 1e-12);
  Numbers sum = apart.gradients.at("encoder.0.mixer.key_rows");
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += apart.gradients.at("encoder.1.mixer.key_rows")[i];
  EXPECT_LT(relative_error(together.gradients.at("shared.key_rows"), sum), 1e-12);
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
