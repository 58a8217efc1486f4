/// Compressive Transformer against the paper's recurrence, Transformer-XL, and the definitions of its compressions and
/// losses.
#include <gtest/gtest.h>

#include <algorithm>

#include "models/testing/contract.h"
#include "models/testing/dense_relative.h"

namespace lra {
namespace {

constexpr long kHeads = 3;
constexpr long kSegment = 6, kMemory = 5, kCompressed = 2, kRate = 3;
const char* const kCompressions[] = {"convolution", "dilated", "mean", "max", "most_used"};

Trial compressive(bool causal, const std::vector<long>& lengths, const std::string& compression = "convolution",
                  const std::string& loss = "attention") {
  return {"compressive",
          {{"segment", kSegment},
           {"memory", kMemory},
           {"compressed", kCompressed},
           {"rate", kRate},
           {"causal", causal},
           {"compression", compression},
           {"loss", loss}},
          lengths};
}

long groups_before(long begin) { return std::max(0L, begin - kMemory) / kRate; }

struct Oracle {
  const Trial& trial;
  std::string compression;

  std::string mixer(long layer) const { return std::to_string(layer) + ".mixer."; }

  /// Content attention with a layer's projections: from the states of a segment to others.
  Dense read(long layer, const Dense& from, const Dense& context) const {
    const DenseLayers layers{trial};
    const std::string norm = std::to_string(layer) + ".mixer_norm";
    const Dense seeking = layers.norm(from, norm), seen = layers.norm(context, norm);
    return attend(project(seeking, trial.weights(mixer(layer) + "query")),
                  project(seen, trial.weights(mixer(layer) + "key")),
                  project(seen, trial.weights(mixer(layer) + "value")), kHeads, softmax_weight,
                  Visible([](long, long) { return true; }));
  }

  /// How much the segment at `begin` attends to each of the states from `first` on.
  Numbers usage(long layer, const Dense& states, long begin, long first, long count) const {
    const DenseLayers layers{trial};
    const Dense seen = layers.norm(states, std::to_string(layer) + ".mixer_norm");
    const Dense q = project(some_rows(seen, begin, kSegment), trial.weights(mixer(layer) + "query")),
                k = project(some_rows(seen, first, count), trial.weights(mixer(layer) + "key"));
    Numbers total(std::size_t(count), 0);
    for (long head = 0; head < kHeads; ++head) {
      const Dense p = probabilities(of_head(q, head, kHeads), of_head(k, head, kHeads));
      for (long i = 0; i < p.rows; ++i)
        for (long j = 0; j < count; ++j) total[std::size_t(j)] += p.at(i, j);
    }
    return total;
  }

  Dense most_used(long layer, const Dense& states) const {
    Dense kept(0, states.cols);
    for (long begin = 0; begin < states.rows; begin += kSegment) {
      const long first = groups_before(begin) * kRate, groups = groups_before(begin + kSegment) - first / kRate;
      if (groups == 0) continue;
      const Numbers used = usage(layer, states, begin, first, groups * kRate);
      Numbers limit = used;
      std::sort(limit.begin(), limit.end(), std::greater<>());
      for (long j = 0; j < groups * kRate; ++j)
        if (used[std::size_t(j)] >= limit[std::size_t(groups) - 1]) kept = below(kept, some_rows(states, first + j, 1));
    }
    return kept;
  }

  /// All compressed states of a layer, from the states before a segment.
  Dense compressed(long layer, const Dense& states) const {
    if (compression == "most_used") return most_used(layer, states);
    Dense all(0, states.cols);
    for (long g = 0; g < groups_before(states.rows); ++g) {
      Dense one(1, states.cols);
      for (long c = 0; c < states.cols; ++c) {
        double highest = -1e300;
        for (long t = 0; t < kRate; ++t) {
          const double value = states.at(g * kRate + t, c);
          if (compression == "mean") one.at(0, c) += value / kRate;
          highest = std::max(highest, value);
        }
        if (compression == "max") one.at(0, c) = highest;
        if (compression != "convolution" && compression != "dilated") continue;
        const Dense w = trial.weights(mixer(layer) + "compression");
        for (long t = 0; t < kRate; ++t) {
          const long row = compression == "convolution" ? g * kRate + t : (g + 1) * kRate - 1 - 2 * (kRate - 1 - t);
          for (long i = 0; row >= 0 && i < states.cols; ++i)
            one.at(0, c) += w.at(c, t * states.cols + i) * states.at(row, i);
        }
      }
      all = below(all, one);
    }
    return all;
  }

  Dense forward(const Dense& tokens, bool causal) const {
    return recurrent(trial, kHeads, kSegment, causal, tokens, [&](long layer, const Dense& states) {
      const long made = groups_before(states.rows), seen = std::min(made, kCompressed);
      return below(some_rows(compressed(layer, states), made - seen, seen),
                   some_rows(states, made * kRate, states.rows - made * kRate));
    });
  }
};

TEST(Compressive, EqualsItsLayersSegmentBySegment) {
  for (const std::string compression : kCompressions)
    for (const bool causal : {false, true})
      for (const auto& lengths : {std::vector<long>{1}, {6, 7, 5}, {12, 14, 13}, {40, 3}, {131}}) {
        const Trial trial = compressive(causal, lengths, compression);
        trial.expect_rows([&](const Dense& x) { return Oracle{trial, compression}.forward(x, causal); });
      }
}

TEST(Compressive, OneTokenAGroupIsTransformerXlWithTheLongerMemory) {
  for (const std::string compression : {"convolution", "mean", "max", "most_used"})
    for (const bool causal : {false, true}) {
      Trial trial("compressive",
                  {{"segment", 7},
                   {"memory", 4},
                   {"compressed", 6},
                   {"rate", 1},
                   {"causal", causal},
                   {"compression", compression}},
                  {45, 3, 14});
      Named values = trial.run.parameters;
      for (auto& [name, matrix] : values)
        if (name.ends_with("compression"))
          for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = i / 12 == i % 12 ? 1 : 0;
      trial.set(values);
      MixerCase longer = trial.c;
      longer.model = "transformer_xl";
      longer.settings = {{"segment", 7}, {"memory", 10}, {"causal", causal}};
      const MixerRun xl = f64::run_mixer(longer, trial.x, random_numbers(trial.x.size(), "dy"), values);
      EXPECT_LT(relative_error(trial.run.result, xl.result), 1e-12);
      EXPECT_LT(relative_error(trial.run.gradients.at("x"), xl.gradients.at("x")), 1e-12);
      EXPECT_EQ(trial.run.auxiliary, 0);
    }
}

TEST(Compressive, ItsLossesAreTheMeanSquaresOfWhatTheCompressedStatesLose) {
  for (const std::string loss : {"attention", "autoencoding"}) {
    Trial trial = compressive(false, {40}, "convolution", loss);
    trial.c.layers = 1;
    trial.set({});
    const Oracle oracle{trial, "convolution"};
    const Dense x(40, trial.c.width, trial.x), all = oracle.compressed(0, x);
    const long last = 39 / kSegment * kSegment, total = groups_before(last);
    double sum = 0, count = 0;
    const auto compare = [&](const Dense& a, const Dense& b) {
      for (std::size_t i = 0; i < a.v.size(); ++i) sum += std::pow(a.v[i] - b.v[i], 2), ++count;
    };
    if (loss == "autoencoding") {
      const Dense decoded = project(some_rows(all, 0, total), trial.weights("0.mixer.decoder"));
      compare(Dense(total * kRate, x.cols, decoded.v), some_rows(x, 0, total * kRate));
    }
    for (long begin = 0; loss == "attention" && begin < last; begin += kSegment) {
      const long from = groups_before(begin), groups = groups_before(begin + kSegment) - from;
      if (groups == 0) continue;
      const Dense own = some_rows(x, begin, kSegment);
      compare(oracle.read(0, own, some_rows(x, from * kRate, groups * kRate)),
              oracle.read(0, own, some_rows(all, from, groups)));
    }
    EXPECT_NEAR(trial.run.auxiliary, sum / count, 1e-12 * sum / count) << loss;
    EXPECT_GT(trial.run.auxiliary, 0) << loss;
  }
}

TEST(Compressive, ItsLossReachesTheCompressionAndTheTasksLossDoesNot) {
  for (const std::string loss : {"attention", "autoencoding"}) {
    const Trial trial = compressive(false, {40}, "dilated", loss);
    for (const auto& [name, gradient] : f64::run_mixer(trial.c, trial.x, Numbers(trial.x.size())).gradients)
      EXPECT_EQ(dot(gradient, gradient) > 0, name.ends_with("compression") || name.ends_with("decoder")) << name;
    MixerCase without = trial.c;
    without.settings["reconstruction"] = 0;
    const Numbers gradient =
        f64::run_mixer(without, trial.x, random_numbers(trial.x.size(), "dy")).gradients.at("1.mixer.compression");
    EXPECT_EQ(dot(gradient, gradient), 0);
  }
}

TEST(Compressive, EveryCompressionHasItsGradients) {
  for (const std::string compression : kCompressions)
    for (const std::string loss : {"attention", "autoencoding"})
      EXPECT_LT(error_along_directions(compressive(true, {40, 7}, compression, loss).c), 1e-6) << compression << loss;
}

}  // namespace
}  // namespace lra
