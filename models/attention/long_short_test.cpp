/// The Long-Short Transformer against its explicit projection, norms and joint softmax.
#include <gtest/gtest.h>

#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3;

Dense part(const Dense& x, long begin, long count) {
  return {count, x.cols, Numbers(x.v.begin() + begin * x.cols, x.v.begin() + (begin + count) * x.cols)};
}

struct LongShortTrial : Trial {
  long landmarks, window, segment;
  bool causal;

  LongShortTrial(long r, long w, long l, bool later_hidden, std::vector<long> lengths)
      : Trial("long_short", {{"landmarks", r}, {"window", w}, {"segment", l}, {"causal", later_hidden}},
              std::move(lengths)),
        landmarks(r),
        window(w),
        segment(l),
        causal(later_hidden) {
    Named values = run.parameters;
    for (const char* norm : {"window_norm", "landmark_norm"})
      for (const char* name : {".gamma", ".beta"}) {
        Numbers& own = values.at(std::string(norm) + name);
        own = random_numbers(own.size(), norm + std::string(name), true);
      }
    set(values);
  }

  Dense normalised(const Dense& rows, const std::string& norm) const {
    return layer_norm(rows, run.parameters.at(norm + ".gamma"), run.parameters.at(norm + ".beta"));
  }

  /// P = softmax over tokens of X W_P, head by head; landmarks are Pᵀ times the head's keys or values.
  Dense projected(const Dense& tokens, const Dense& own) const {
    const Dense scores = project(tokens, weights("projection"));  // (n, H·r)
    const long width = own.cols / kHeads;
    Dense y(landmarks, own.cols);
    for (long h = 0; h < kHeads; ++h)
      for (long u = 0; u < landmarks; ++u) {
        double total = 0;
        for (long i = 0; i < tokens.rows; ++i) total += std::exp(scores.at(i, h * landmarks + u));
        for (long i = 0; i < tokens.rows; ++i)
          for (long d = h * width; d < (h + 1) * width; ++d)
            y.at(u, d) += std::exp(scores.at(i, h * landmarks + u)) / total * own.at(i, d);
      }
    return y;
  }

  Dense keys(const Dense& tokens, const std::string& name) const {
    const Dense own = normalised(project(tokens, weights(name)), "window_norm");
    Dense made(0, own.cols);
    const long length = causal ? segment : tokens.rows;
    for (long at = 0; landmarks > 0 && at + length <= tokens.rows; at += length)
      made = below(made, projected(part(tokens, at, length), part(own, at, length)));
    return below(normalised(made, "landmark_norm"), own);
  }

  void expect_definition() const {
    expect_rows([&](const Dense& tokens) {
      const Dense k = keys(tokens, "key"), v = keys(tokens, "value");
      const long before = k.rows - tokens.rows, side = std::max(1L, window / 2);
      const Dense y = attend(project(tokens, weights("query")), k, v, kHeads, softmax_weight, [&](long i, long j) {
        const long block = i / window * window, token = j - before;
        if (j < before) return !causal || (j / landmarks + 1) * segment <= i / segment * segment;
        if (causal) return token <= i && token >= block - window;
        return token >= block - side && token < block + window + side;
      });
      return project(y, weights("out"));
    });
  }
};

TEST(LongShort, EqualsOneSoftmaxOverLandmarksAndWindow) {
  for (const auto& lengths : kLengths)
    for (const auto& [r, w] : {std::pair{1L, 1L}, {3L, 4L}, {5L, 7L}, {32L, 8L}, {0L, 5L}})
      LongShortTrial(r, w, 10, false, lengths).expect_definition();
}

TEST(LongShort, CausalSeesLandmarksOfEarlierSegments) {
  for (const auto& lengths : kLengths)
    for (const auto& [r, w, l] : {std::array{1L, 1L, 1L}, {3L, 4L, 8L}, {2L, 5L, 5L}, {0L, 5L, 10L}, {4L, 8L, 64L}})
      LongShortTrial(r, w, l, true, lengths).expect_definition();
}

// Source: without landmarks and with an unlimited window, it is attention over normalised keys and values.
TEST(LongShort, WithoutLandmarksIsFullAttentionOverNormalisedKeys) {
  for (const auto& lengths : kLengths) {
    const LongShortTrial trial(0, 300, 300, false, lengths);
    trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
      return attend(q, trial.normalised(k, "window_norm"), trial.normalised(v, "window_norm"), kHeads, softmax_weight,
                    [](long, long) { return true; });
    });
  }
}

}  // namespace
}  // namespace lra
