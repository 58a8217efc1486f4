/// Transformer-XL against the paper's recurrence, its relative shift, and its memory against gradients.
#include <gtest/gtest.h>

#include "models/testing/dense_relative.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

Trial transformer_xl(long segment, long memory, bool causal, const std::vector<long>& lengths, long layers) {
  Trial trial("transformer_xl", {{"segment", segment}, {"memory", memory}, {"causal", causal}}, lengths);
  trial.c.layers = layers;
  trial.set({});
  return trial;
}

TEST(TransformerXl, EqualsItsLayersSegmentBySegment) {
  for (const bool causal : {false, true})
    for (const auto& [segment, memory] : {std::pair{4L, 6L}, {4L, 0L}, {64L, 64L}, {1000L, 0L}})
      for (const auto& lengths : {std::vector<long>{1}, {5, 1, 9}, {130, 3}}) {
        const Trial trial = transformer_xl(segment, memory, causal, lengths, 3);
        trial.expect_rows([&, segment = segment, memory = memory](const Dense& x) {
          return recurrent(trial, kHeads, segment, causal, x, [&](long, const Dense& states) {
            const long seen = std::min(memory, states.rows);
            return some_rows(states, states.rows - seen, seen);
          });
        });
      }
}

// Source: appendix B of the paper. Row i of B̃ = (q + v)·Qᵀ, where row k of Q is W r(M + L − 1 − k), is moved to the
// left by L − 1 − i; here by padding and reshaping, as the authors do.
TEST(TransformerXl, EqualsTheRelativeShiftOfAppendixB) {
  constexpr long kSegment = 7, kWidth = 12, kHead = kWidth / kHeads;
  const Trial trial = transformer_xl(kSegment, kSegment, true, {2 * kSegment}, 1);
  const DenseLayers layers{trial};
  trial.expect_rows([&](const Dense& tokens) {
    const Dense seen = layers.norm(tokens, "0.mixer_norm");
    Dense mixed(0, kWidth);
    for (const long memory : {0L, kSegment}) {  // the first segment and the second
      const long keys = memory + kSegment;
      const Dense own = some_rows(seen, memory, kSegment), context = some_rows(seen, 0, keys);
      const Dense q = project(own, trial.weights("0.mixer.query")), k = project(context, trial.weights("0.mixer.key")),
                  v = project(context, trial.weights("0.mixer.value"));
      Dense r(keys, kWidth);
      for (long row = 0; row < keys; ++row)
        for (long f = 0; f < kWidth / 2; ++f) {
          const double angle = double(keys - 1 - row) * std::pow(10000.0, -2.0 * double(f) / double(kWidth));
          r.at(row, f) = std::cos(angle), r.at(row, kWidth / 2 + f) = -std::sin(angle);
        }
      const Dense distances = project(r, trial.weights("0.mixer.position"));
      const auto biased = [&](const char* name) {
        Dense sum = q;
        for (long i = 0; i < q.rows; ++i)
          for (long c = 0; c < kWidth; ++c) sum.at(i, c) += layers.vector(name)[std::size_t(c)];
        return sum;
      };
      const Dense content = biased("content_bias"), position = biased("position_bias");
      const Dense read = by_heads(kHeads, [&](long head) {
        const Dense of_content = project(of_head(content, head, kHeads), of_head(k, head, kHeads));
        const Dense of_position = project(of_head(position, head, kHeads), of_head(distances, head, kHeads));
        Numbers padded;  // a zero before each row; read in rows of one less, without the first: the shift
        for (long i = 0; i < kSegment; ++i) {
          padded.push_back(0);
          for (long j = 0; j < keys; ++j) padded.push_back(of_position.at(i, j));
        }
        Dense p(kSegment, keys);
        for (long i = 0; i < kSegment; ++i) {
          double total = 0;
          for (long j = 0; j <= memory + i; ++j) {
            const double shifted = padded[std::size_t(kSegment + i * keys + j)];
            total += p.at(i, j) = std::exp((of_content.at(i, j) + shifted) / std::sqrt(double(kHead)));
          }
          for (long j = 0; j < keys; ++j) p.at(i, j) /= total;
        }
        return product(p, of_head(v, head, kHeads));
      });
      mixed = below(mixed, project(read, trial.weights("0.mixer.out")));
    }
    const Dense x = DenseLayers::sum(tokens, mixed);
    return layers.norm(DenseLayers::sum(x, layers.feed(layers.norm(x, "0.feed_norm"), "0.feed")), "norm");
  });
}

TEST(TransformerXl, WithoutBiasesAndPositionsIsTheCausalTransformer) {
  Trial trial = transformer_xl(1000, 0, true, {40, 7}, 1);
  Named values = trial.run.parameters;
  for (const char* name : {"content_bias", "position_bias", "0.mixer.position"})
    values.at(name).assign(values.at(name).size(), 0);
  trial.set(values);
  const DenseLayers layers{trial};
  trial.expect_rows([&](const Dense& tokens) {
    const Dense seen = layers.norm(tokens, "0.mixer_norm");
    const Dense x = DenseLayers::sum(
        tokens, layers.attention(seen, seen, "0.mixer", kHeads, [](long i, long j) { return j <= i; }));
    return layers.norm(DenseLayers::sum(x, layers.feed(layers.norm(x, "0.feed_norm"), "0.feed")), "norm");
  });
}

TEST(TransformerXl, LongMemoriesChangeNoValueOfTheCausalModelAndStopItsGradients) {
  const MixerRun whole = transformer_xl(30, 0, true, {30}, 2).run, segmented = transformer_xl(5, 30, true, {30}, 2).run;
  EXPECT_LT(relative_error(segmented.result, whole.result), 1e-12);
  EXPECT_GT(relative_error(segmented.gradients.at("x"), whole.gradients.at("x")), 1e-3);
}

// The paper stops the gradient of states. The norm that reads them is trained by every use, as the other weights are:
// central differences see a constant state and a changing norm.
TEST(TransformerXl, NoGradientReachesTheMemoryButTheNormThatReadsItIsTrained) {
  Trial trial = transformer_xl(5, 5, false, {10}, 1);
  Numbers second(trial.x.size());  // a loss on the second segment only
  std::fill(second.begin() + long(second.size()) / 2, second.end(), 1.0);
  for (std::size_t i = 0; i < second.size(); ++i) second[i] *= double(i % 7);
  const MixerRun run = f64::run_mixer(trial.c, trial.x, second);
  const Numbers& gradient = run.gradients.at("x");
  for (std::size_t i = 0; i < gradient.size() / 2; ++i) EXPECT_EQ(gradient[i], 0) << i;
  EXPECT_GT(dot(gradient, gradient), 0);
  Numbers expected;
  for (std::size_t i = 0; i < run.parameters.at("0.mixer_norm.beta").size(); ++i) {
    double difference = 0;
    for (const double step : {1e-5, -1e-5}) {
      Named values = run.parameters;
      values.at("0.mixer_norm.beta")[i] += step;
      difference += dot(f64::run_mixer(trial.c, trial.x, second, values).result, second) / (2 * step);
    }
    expected.push_back(difference);
  }
  EXPECT_LT(relative_error(run.gradients.at("0.mixer_norm.beta"), expected), 1e-7);
}

}  // namespace
}  // namespace lra
