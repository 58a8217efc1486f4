/// ETC's stack against explicit scores with labels.
#include <gtest/gtest.h>

#include "models/testing/dense_blocks.h"

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
  bool share, carry;

  EtcTrial(long g, long r, long d, bool shared, bool carried, std::vector<long> lengths, long layers)
      : Trial("etc", {{"global_tokens", g}, {"radius", r}, {"distance", d}, {"share", shared}, {"carry", carried}},
              std::move(lengths)),
        global(g),
        radius(r),
        distance(d),
        share(shared),
        carry(carried && layers > 1) {
    c.layers = layers;
    set({});
    fill_zeros();
    Named values = run.parameters;
    for (auto& [name, numbers] : values)
      for (double& value : numbers)
        if (name.ends_with("_labels")) value *= 30;  // so that labels matter beside keys
    set(values);
  }

  /// The weights of a layer, by their names if the directions of attention do not share them.
  Dense layer_weights(long layer, const std::string& name) const {
    const bool shared = share && !name.ends_with("labels");
    return weights(std::to_string(layer) + ".mixer." + (shared ? name.substr(name.find('_') + 1) : name));
  }

  /// What the tokens `from` read: global tokens and tokens are keys of one softmax.
  Dense read(long layer, const Dense& from, const Dense& globals, const Dense& tokens, const std::string& side,
             const std::string& to_long, const std::string& to_global, const Label& label) const {
    const auto w = [&](const std::string& name) { return layer_weights(layer, name); };
    const auto keys = [&](const std::string& kind) {
      return below(project(globals, w(to_global + kind)), project(tokens, w(to_long + kind)));
    };
    return project(
        labelled(project(from, w(side + "_query")), keys("_key"), keys("_value"), w(side + "_labels"), label),
        w(side + "_out"));
  }

  Dense global_read(long layer, const Dense& globals, const Dense& tokens) const {
    return read(layer, globals, globals, tokens, "global", "g2l", "g2g",
                [&](long, long j) { return j < global ? 1 : 0; });
  }

  /// One softmax over global tokens and the window; labels are distances clipped to ±distance, and one label for global
  /// tokens.
  Dense long_read(long layer, const Dense& globals, const Dense& tokens) const {
    return read(layer, tokens, globals, tokens, "long", "l2l", "l2g", [&](long i, long j) {
      if (j < global) return 2 * distance + 1;
      const long away = j - global - i;
      return std::abs(away) > radius ? -1 : std::min(std::max(away, -distance), distance) + distance;
    });
  }

  Dense stack(Dense tokens) const {
    const DenseLayers layers{*this};
    Dense globals = carry ? weights("memory") : Dense(0, 0);
    for (long l = 0; l < c.layers; ++l) {
      const std::string path = std::to_string(l) + ".";
      const Dense normed = layers.norm(tokens, path + "mixer_norm");
      Dense next = globals;
      if (carry) {
        globals = layers.norm(globals, path + "memory_norm");
        if (l + 1 < c.layers) {
          next = DenseLayers::sum(next, global_read(l, globals, normed));
          next = DenseLayers::sum(next, layers.feed(layers.norm(next, path + "feed_norm"), path + "feed"));
        }
      } else {
        globals = weights(path + "memory");
        globals = layers.norm(DenseLayers::sum(globals, global_read(l, globals, normed)), path + "mixer.global_norm");
      }
      tokens = DenseLayers::sum(tokens, long_read(l, globals, normed));
      tokens = DenseLayers::sum(tokens, layers.feed(layers.norm(tokens, path + "feed_norm"), path + "feed"));
      globals = next;
    }
    return layers.norm(tokens, "norm");
  }

  /// Whether the result of token i depends on token 0.
  std::vector<bool> reached() const {
    Numbers changed = x;
    for (long d = 0; d < c.width; ++d) changed[std::size_t(d)] += 1 + 0.1 * double(d);
    const Numbers after = f64::run_mixer(c, changed, changed, run.parameters).result;
    std::vector<bool> all;
    for (std::size_t i = 0; i < after.size(); i += std::size_t(c.width)) all.push_back(after[i] != run.result[i]);
    return all;
  }
};

// Source: Ainslie et al., §3: both kinds of tokens are updated at once from the layer before. The feed-forward part is
// shared by both, as in the authors' code.
TEST(Etc, EqualsItsLabelledScores) {
  for (const auto& lengths : kLengths)
    for (const auto& [g, r, d] : {std::array{1L, 0L, 0L}, {3L, 4L, 2L}, {5L, 3L, 7L}, {2L, 100L, 12L}})
      for (const bool share : {false, true})
        for (const bool carry : {true, false})
          for (const long layers : {1L, 3L}) {
            if (lengths[0] > 64 && layers * g > 5) continue;
            const EtcTrial trial(g, r, d, share, carry, lengths, layers);
            trial.expect_rows([&](const Dense& tokens) { return trial.stack(tokens); });
          }
}

// Source: with an unlimited window, zero labels and shared projections, it is a Transformer on both kinds of tokens.
TEST(Etc, WithoutLabelsAndWithAWideWindowIsTheTransformerOnAllTokens) {
  EtcTrial trial(4, 300, 12, true, true, {5, 1, 130}, 2);
  Named values = trial.run.parameters;
  for (auto& [name, numbers] : values) {
    if (name.ends_with("_labels")) numbers.assign(numbers.size(), 0);
    const std::size_t at = name.find("memory_norm");
    if (at != std::string::npos) numbers = values.at(std::string(name).replace(at, 11, "mixer_norm"));
  }
  trial.set(values);
  trial.expect_rows([&](const Dense& tokens) {
    const DenseLayers layers{trial};
    Dense all = below(trial.weights("memory"), tokens);
    for (long l = 0; l < 2; ++l) all = layers.block(all, std::to_string(l), kHeads);
    all = layers.norm(all, "norm");
    all.v.erase(all.v.begin(), all.v.begin() + 4 * all.cols), all.rows -= 4;
    return all;
  });
}

// Source: the purpose of global tokens, while a window alone reaches only its radius in each layer. They pass on what
// they read in the layer before, or at once if they are not carried, as in a model of one layer.
TEST(Etc, ReachesEveryToken) {
  const auto reached = [](bool carry, long layers) {
    const std::vector<bool> all = EtcTrial(2, 3, 2, false, carry, {40}, layers).reached();
    return std::count(all.begin(), all.end(), true);
  };
  EXPECT_EQ(reached(true, 2), 40);
  EXPECT_EQ(reached(true, 1), 40);
  EXPECT_EQ(reached(false, 1), 40);
}

}  // namespace
}  // namespace lra
