/// ETC against explicit scores with labels.
#include <gtest/gtest.h>

#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

/// The label of a pair, or −1 if the key is not visible.
using Label = std::function<long(long query, long key)>;

/// softmax_j(q_i·(k_j + a_label(i,j)) / √d) v_j, head by head. Ainslie et al., §3.
Dense labelled(const Dense& q, const Dense& k, const Dense& v, const Dense& labels, const Label& label) {
  Dense y(q.rows, v.cols);
  const long width = q.cols / kHeads;
  for (long h = 0; h < kHeads; ++h)
    for (long i = 0; i < q.rows; ++i) {
      double total = 0;
      for (long j = 0; j < k.rows; ++j) {
        const long l = label(i, j);
        if (l < 0) continue;
        double score = 0;
        for (long c = h * width; c < (h + 1) * width; ++c) score += q.at(i, c) * (k.at(j, c) + labels.at(l, c));
        const double w = std::exp(score / std::sqrt(double(width)));
        total += w;
        for (long c = h * width; c < (h + 1) * width; ++c) y.at(i, c) += w * v.at(j, c);
      }
      for (long c = h * width; c < (h + 1) * width; ++c) y.at(i, c) /= total;
    }
  return y;
}

struct EtcTrial : Trial {
  long global, radius, distance;
  bool share;

  EtcTrial(long g, long r, long d, bool shared, std::vector<long> lengths)
      : Trial("etc", {{"global_tokens", g}, {"radius", r}, {"distance", d}, {"share", shared}}, std::move(lengths)),
        global(g),
        radius(r),
        distance(d),
        share(shared) {
    fill_zeros();
    Named values = run.parameters;
    for (const char* name : {"labels", "global_labels"})
      for (double& value : values.at(name)) value *= 30;  // so that labels matter beside keys
    set(values);
  }

  Dense global_weights(const std::string& name) const { return weights(share ? name : "global_" + name); }

  /// The global tokens after they attended to the sequence.
  Dense taken_in(const Dense& tokens) const {
    const Dense own = weights("global_tokens");
    const auto keys = [&](const std::string& name) {
      return below(project(own, global_weights(name)), project(tokens, weights(name)));
    };
    Dense y = project(labelled(project(own, global_weights("query")), keys("key"), keys("value"),
                               weights("global_labels"), [&](long, long j) { return j < global ? 1 : 0; }),
                      global_weights("out"));
    for (std::size_t e = 0; e < y.v.size(); ++e) y.v[e] += own.v[e];
    return layer_norm(y, run.parameters.at("global_norm.gamma"), run.parameters.at("global_norm.beta"));
  }

  void expect_labels(const Label& label) const {
    expect_rows([&](const Dense& tokens) {
      const Dense seen = taken_in(tokens);
      const auto keys = [&](const std::string& name) {
        return below(project(seen, global_weights(name)), project(tokens, weights(name)));
      };
      return project(labelled(project(tokens, weights("query")), keys("key"), keys("value"), weights("labels"), label),
                     weights("out"));
    });
  }
};

// One softmax over global tokens and the window; labels are distances clipped to ±distance, and one label for global
// tokens.
TEST(Etc, EqualsItsLabelledScores) {
  for (const auto& lengths : kLengths)
    for (const auto& [g, r, d] : {std::array{1L, 0L, 0L}, {3L, 4L, 2L}, {5L, 3L, 7L}, {2L, 100L, 12L}})
      for (const bool share : {false, true}) {
        const EtcTrial trial(g, r, d, share, lengths);
        trial.expect_labels([&, g = g, r = r, d = d](long i, long j) {
          if (j < g) return 2 * d + 1;
          const long away = j - g - i;
          return std::abs(away) > r ? -1 : std::min(std::max(away, -d), d) + d;
        });
      }
}

// Source: with an unlimited window and zero labels, it is softmax attention over global tokens and tokens.
TEST(Etc, WithoutLabelsAndWithAWideWindowIsTheTransformerWithMoreKeys) {
  for (const bool share : {false, true}) {
    EtcTrial trial(4, 300, 12, share, {5, 1, 130});
    Named values = trial.run.parameters;
    for (const char* name : {"labels", "global_labels"}) values.at(name).assign(values.at(name).size(), 0);
    trial.set(values);
    trial.expect_rows([&](const Dense& tokens) {
      const Dense seen = trial.taken_in(tokens);
      const auto keys = [&](const std::string& name) {
        return below(project(seen, trial.global_weights(name)), project(tokens, trial.weights(name)));
      };
      return project(attend(project(tokens, trial.weights("query")), keys("key"), keys("value"), kHeads, softmax_weight,
                            [](long, long) { return true; }),
                     trial.weights("out"));
    });
  }
}

// Source: the purpose of global tokens; a window alone reaches only its radius.
TEST(Etc, OneLayerReachesEveryToken) {
  constexpr std::size_t kN = 40, kWidth = 12;
  const EtcTrial trial(2, 3, 2, false, {kN});
  Numbers x = trial.x;
  for (std::size_t c = 0; c < kWidth; ++c) x[c] += 1 + 0.1 * double(c);
  const Numbers after = f64::run_mixer(trial.c, x, x, trial.run.parameters).result;
  for (std::size_t i = 0; i < kN; ++i) EXPECT_NE(after[i * kWidth], trial.run.result[i * kWidth]) << i;
}

}  // namespace
}  // namespace lra
