/// Random feature attention against dense evaluations of its estimator, its recurrence, and the exact kernel.
#include <gtest/gtest.h>

#include "models/layers/resampled.h"
#include "models/testing/contract.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

struct RfaTrial : Trial {
  RfaTrial(Json with, std::vector<long> lengths, long width = 12)
      : Trial("rfa", std::move(with), std::move(lengths), width) {
    Named values = run.parameters;
    for (const auto& [name, spread] : {std::pair{"deviation", 0.3}, {"gate.bias", 1.0}}) {
      if (!values.contains(name)) continue;
      const Numbers noise = random_numbers(values.at(name).size(), name);
      for (std::size_t i = 0; i < noise.size(); ++i) values.at(name)[i] += spread * noise[i];
    }
    set(values);
    m = c.settings.at("features");
    const long d = width / kHeads;
    Numbers normal(std::size_t(width * m));
    // Training step 3 uses sample 3 when every step samples again.
    sample_normal(Random(1, "features", "directions").at(3, 0), {kHeads, d, m}, normal);
    w = Dense(width, m, rounded(normal));
    for (long r = 0; r < width; ++r)
      for (long i = 0; i < m; ++i) w.at(r, i) *= run.parameters.at("deviation")[std::size_t(r)];
  }

  /// φ of one head's rows: sines and cosines of the directions times the normalised projection `name` of x, or these
  /// products where they are positive.
  Dense features(const Dense& tokens, const char* name, long h) const {
    const Dense rows = of_head(project(tokens, weights(name)), h, kHeads);
    const bool gaussian = c.settings.value("kernel", "gaussian") == "gaussian";
    Dense y(tokens.rows, gaussian ? 2 * m : m);
    for (long i = 0; i < tokens.rows; ++i) {
      double square = 1e-12;
      for (long d = 0; d < rows.cols; ++d) square += rows.at(i, d) * rows.at(i, d);
      for (long f = 0; f < m; ++f) {
        double angle = 0;
        for (long d = 0; d < rows.cols; ++d) angle += w.at(h * rows.cols + d, f) * rows.at(i, d) / std::sqrt(square);
        y.at(i, f) = (gaussian ? std::sin(angle) : std::max(0.0, angle)) / std::sqrt(double(m));
        if (gaussian) y.at(i, m + f) = std::cos(angle) / std::sqrt(double(m));
      }
    }
    return y;
  }

  long m;
  Dense w{0, 0};
};

TEST(Rfa, EqualsItsDenseKernelMatrix) {
  long replaced = 0;
  for (const auto& lengths : kLengths)
    for (const auto& [kernel, least] : {std::pair{"gaussian", 0.01}, {"gaussian", 0.4}, {"arccos", 0.1}})
      for (const bool causal : {false, true}) {
        const RfaTrial trial(
            {{"kernel", kernel}, {"features", 11}, {"least", least}, {"gate", false}, {"causal", causal}}, lengths);
        trial.expect_rows([&, least = least](const Dense& x) {
          const Dense y = by_heads(kHeads, [&](long h) {
            const Dense weights = project(trial.features(x, "query", h), trial.features(x, "key", h));
            const Dense v = of_head(project(x, trial.weights("value")), h, kHeads);
            Dense out(x.rows, v.cols);
            for (long i = 0; i < x.rows; ++i) {
              const long seen = causal ? i + 1 : x.rows;
              double total = 0;
              for (long j = 0; j < seen; ++j) total += weights.at(i, j);
              replaced += total < least * double(seen);
              for (long j = 0; j < seen; ++j)
                for (long d = 0; d < v.cols; ++d)
                  out.at(i, d) += weights.at(i, j) * v.at(j, d) / std::max(total, least * double(seen));
            }
            return out;
          });
          return project(y, trial.weights("out"));
        });
      }
  EXPECT_GT(replaced, 0);
}

// Peng et al., §3.2: S ← g S + (1 − g) φ(k) vᵀ, z ← g z + (1 − g) φ(k), token by token.
TEST(Rfa, GatedEqualsItsRecurrence) {
  for (const auto& lengths : kLengths)
    for (const double least : {0.01, 0.4}) {
      const RfaTrial trial({{"features", 7}, {"least", least}, {"causal", true}}, lengths);
      trial.expect_rows([&](const Dense& x) {
        const Dense z = project(x, trial.weights("gate.weight"));
        const Dense y = by_heads(kHeads, [&](long h) {
          const Dense fq = trial.features(x, "query", h), fk = trial.features(x, "key", h);
          const Dense v = of_head(project(x, trial.weights("value")), h, kHeads);
          Dense state(fq.cols, v.cols + 1), out(x.rows, v.cols);
          for (long t = 0; t < x.rows; ++t) {
            const double gate = 1 / (1 + std::exp(-z.at(t, h) - trial.run.parameters.at("gate.bias")[std::size_t(h)]));
            Numbers sums(std::size_t(v.cols + 1));
            for (long f = 0; f < fq.cols; ++f)
              for (long d = 0; d <= v.cols; ++d) {
                const double value = d < v.cols ? v.at(t, d) : 1;
                state.at(f, d) = gate * state.at(f, d) + (1 - gate) * fk.at(t, f) * value;
                sums[std::size_t(d)] += fq.at(t, f) * state.at(f, d);
              }
            for (long d = 0; d < v.cols; ++d) out.at(t, d) = sums[std::size_t(d)] / std::max(sums.back(), least);
          }
          return out;
        });
        return project(y, trial.weights("out"));
      });
    }
}

// Source: softmax attention over unit vectors, to which their Gaussian kernel is proportional, and the arc-cosine
// kernel of order 1 by Cho and Saul, NeurIPS 2009, eq. 6; 64 times the features reduce the error to about an eighth.
TEST(Rfa, ApproachesItsKernelOfUnitVectors) {
  const auto error = [](const std::string& kernel, long features) {
    const Trial trial("rfa", {{"kernel", kernel}, {"features", features}}, {40});
    const Weight weight = [&](const double* q, const double* k, long width) {
      double qk = 0, qq = 0, kk = 0;
      for (long d = 0; d < width; ++d) qk += q[d] * k[d], qq += q[d] * q[d], kk += k[d] * k[d];
      const double cosine = qk / std::sqrt(qq * kk), angle = std::acos(std::clamp(cosine, -1.0, 1.0));
      return kernel == "gaussian" ? std::exp(cosine) : std::sin(angle) + (M_PI - angle) * cosine;
    };
    const Dense x(40, 12, trial.x);
    const Dense exact =
        project(attend(project(x, trial.weights("query")), project(x, trial.weights("key")),
                       project(x, trial.weights("value")), kHeads, weight, [](long, long) { return true; }),
                trial.weights("out"));
    return relative_error(trial.run.result, exact.v);
  };
  for (const char* kernel : {"gaussian", "arccos"}) {
    const double rough = error(kernel, 64), fine = error(kernel, 4096);
    EXPECT_LT(fine, 0.06) << kernel;
    EXPECT_LT(fine, rough / 3) << kernel;
  }
}

TEST(Rfa, DifferentiatesTheArcCosineKernel) {
  for (const bool causal : {false, true}) {
    const MixerCase c = RfaTrial({{"kernel", "arccos"}, {"features", 7}, {"causal", causal}}, {5, 1, 140}).c;
    EXPECT_LT(error_along_directions(c), 1e-6) << causal;
    EXPECT_LT(error_in_float(c), 1e-5) << causal;
  }
}

TEST(Rfa, DrawsAnewInTrainingOnly) {
  const auto result = [](long redraw, bool training, std::uint32_t step) {
    MixerCase c;
    c.model = "rfa", c.settings = {{"redraw", redraw}}, c.lengths = {9}, c.training = training, c.step = step;
    return f64::run_mixer(c, random_numbers(9 * 8, "x"), Numbers(9 * 8)).result;
  };
  EXPECT_NE(result(1, true, 1), result(1, true, 2));
  EXPECT_EQ(result(1, false, 1), result(1, false, 2));
  EXPECT_EQ(result(0, true, 1), result(0, true, 2));
  EXPECT_EQ(result(10, true, 11), result(10, true, 12));
}

}  // namespace
}  // namespace lra
