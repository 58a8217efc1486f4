/// Reformer against its paper's equations, evaluated pair by pair.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "models/ops/ops.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/dense.h"

namespace lra {
namespace {

constexpr long kHeads = 3, kWidth = 4;  // of the trials: 12 features

/// Whether each query sees each key in one head; a query sees itself only if it sees nothing else.
using Seen = std::vector<std::vector<int>>;

/// The softmax of q·k / (‖k‖·√D) over visible keys; queries are also keys.
Dense dense_shared(const Dense& q, const Dense& v, const std::function<Seen(long head)>& pairs) {
  Dense y(q.rows, v.cols);
  for (long h = 0; h < kHeads; ++h) {
    const Seen seen = pairs(h);
    for (long i = 0; i < q.rows; ++i) {
      double total = 0;
      for (long j = 0; j < q.rows; ++j) {
        double product = 0, square = 0;
        for (long d = h * kWidth; d < (h + 1) * kWidth; ++d) {
          product += q.at(i, d) * q.at(j, d);
          square += q.at(j, d) * q.at(j, d);
        }
        const double w = seen[std::size_t(i)][std::size_t(j)] * std::exp(product / std::sqrt(square * kWidth));
        total += w;
        for (long d = h * kWidth; d < (h + 1) * kWidth; ++d) y.at(i, d) += w * v.at(j, d);
      }
      for (long d = h * kWidth; d < (h + 1) * kWidth; ++d) y.at(i, d) /= total;
    }
  }
  return y;
}

void hide_itself(Seen& seen) {
  for (std::size_t i = 0; i < seen.size(); ++i) {
    seen[i][i] = 0;
    if (std::all_of(seen[i].begin(), seen[i].end(), [](int n) { return n == 0; })) seen[i][i] = 1;
  }
}

Seen all_pairs(long n, bool causal) {
  Seen seen(std::size_t(n), std::vector<int>(std::size_t(n), 1));
  for (long i = 0; causal && i < n; ++i) std::fill(seen[std::size_t(i)].begin() + i + 1, seen[std::size_t(i)].end(), 0);
  hide_itself(seen);
  return seen;
}

void expect_dense(const Trial& run, const std::function<Seen(const Dense& q, long head)>& seen) {
  run.expect_rows([&](const Dense& x) {
    const Dense q = project(x, run.weights("query"));
    return project(dense_shared(q, project(x, run.weights("value")), [&](long head) { return seen(q, head); }),
                   run.weights("out"));
  });
}

// Source: Kitaev et al., eq. 2 with shared queries and keys. One chunk sees everything, and so do two, which see each
// other; the number of rounds does not matter.
TEST(Reformer, OfOneOrTwoChunksIsExactSharedAttention) {
  for (const auto& lengths : kLengths)
    for (const long hashes : {1L, 3L})
      for (const long parts : {1L, 2L}) {
        const long longest = *std::max_element(lengths.begin(), lengths.end());
        const long chunk = (longest + parts - 1) / parts;
        expect_dense(Trial("reformer", {{"chunk", chunk}, {"hashes", hashes}, {"across", true}}, lengths),
                     [](const Dense& q, long) { return all_pairs(q.rows, false); });
      }
}

// A sequence of one chunk is a single bucket by default.
TEST(Reformer, OfOneChunkIsExactSharedAttention) {
  for (const auto& lengths : kLengths)
    expect_dense(Trial("reformer", {{"chunk", 300}, {"hashes", 3}}, lengths),
                 [](const Dense& q, long) { return all_pairs(q.rows, false); });
}

TEST(Reformer, OfOneChunkIsExactCausalAttention) {
  for (const auto& lengths : kLengths)
    expect_dense(Trial("reformer", {{"chunk", 300}, {"causal", true}}, lengths),
                 [](const Dense& q, long) { return all_pairs(q.rows, true); });
}

/// One bucket: chunks of the unsorted sequence, each with the previous chunk; `across` as a ring.
TEST(Reformer, OfOneBucketIsLocal) {
  for (const auto& [across, causal] : {std::pair{false, false}, {true, false}, {false, true}})
    expect_dense(
        Trial("reformer", {{"chunk", 10}, {"buckets", 1}, {"hashes", 2}, {"across", across}, {"causal", causal}},
              {47, 31}),
        [&, across = across, causal = causal](const Dense& q, long) {
          const long n = q.rows, chunks = (n + 9) / 10;
          Seen seen(std::size_t(n), std::vector<int>(std::size_t(n), 0));
          for (long i = 0; i < n; ++i)
            for (long j = 0; j < n; ++j) {
              const long back = i / 10 - j / 10;
              const bool near = back == 0 || back == 1 || (across && i / 10 == 0 && j / 10 == chunks - 1);
              seen[std::size_t(i)][std::size_t(j)] = near && (!causal || j <= i);
            }
          hide_itself(seen);
          return seen;
        });
}

/// The equations of Kitaev et al., §2 and appendix A, for one head, with their sums over pairs written out.
struct Equations {
  Json settings;
  long head, longest, sample;  // longest: the longest sequence; sample: the number of the hashes' sample

  long setting(const char* name) const { return settings.value(name, 0L); }
  long chunks(long n) const { return (n + setting("chunk") - 1) / setting("chunk"); }

  /// The rotations of a round and head: half of the buckets, of which up to 32 are hashed at once, and 150 as 14 · 12.
  long rotations() const { return setting("buckets") > 0 ? setting("buckets") / 2 : std::min(16L, chunks(longest)); }

  /// argmax([xR; −xR]) over the rotations from `first` on.
  long bucket(const Dense& q, long i, long round, long first, long half) const {
    const Random random = Random(1, "hash", "rotations").at(std::uint32_t(sample), 0);
    double largest = -1;
    long best = 0;
    for (long c = 0; c < half; ++c) {
      double u = 0;
      for (long d = 0; d < kWidth; ++d) {
        const long element = ((round * kHeads + head) * rotations() + first + c) * kWidth + d;
        u += q.at(i, head * kWidth + d) * double(float(random.normal(std::uint64_t(element))));
      }
      if (std::abs(u) > largest) largest = std::abs(u), best = u < 0 ? half + c : c;
    }
    return best;
  }

  std::vector<long> hashes(const Dense& q, long round) const {
    const long n = q.rows;
    const long wanted = setting("buckets") > 0 ? setting("buckets") : chunks(n) == 1 ? 1 : 2 * chunks(n);
    std::vector<long> all(static_cast<std::size_t>(n));
    for (long i = 0; wanted > 1 && i < n; ++i)
      all[std::size_t(i)] = wanted <= 32 ? bucket(q, i, round, 0, wanted / 2)
                                         : bucket(q, i, round, 0, 7) * 12 + bucket(q, i, round, 7, 6);
    return all;
  }

  /// P_i: the positions to which query i attends in a round, itself included.
  std::vector<std::vector<bool>> attended(const Dense& q, long round) const {
    const std::vector<long> hash = hashes(q, round);
    const long n = q.rows, chunk = setting("chunk");
    const bool causal = settings.value("causal", false), across = settings.value("across", false);
    // s_i: the rank of token i by bucket and then by position; if causal, its rank within the bucket.
    std::vector<long> rank(static_cast<std::size_t>(n));
    for (long i = 0; i < n; ++i)
      for (long j = 0; j < n; ++j) {
        const long own = hash[std::size_t(i)], other = hash[std::size_t(j)];
        rank[std::size_t(i)] += (other < own && !causal) || (other == own && j < i);
      }
    std::vector<std::vector<bool>> sees(std::size_t(n), std::vector<bool>(std::size_t(n), false));
    for (long i = 0; i < n; ++i)
      for (long j = 0; j < n; ++j) {
        const long own = rank[std::size_t(i)] / chunk, other = rank[std::size_t(j)] / chunk;
        const bool near = own - 1 <= other && other <= own, same = hash[std::size_t(i)] == hash[std::size_t(j)];
        sees[std::size_t(i)][std::size_t(j)] =
            across ? near || (own == 0 && other == chunks(n) - 1) : near && same && (!causal || j <= i);
      }
    return sees;
  }

  /// o_i = Σ_r exp(z_i^r − z_i) o_i^r with o_i^r = Σ_{j in P_i^r} exp(q_i·k_j − m_ij − z_i^r) v_j, where m_ij is 10⁵
  /// for j = i, and otherwise the logarithm of the number of rounds that show j to i.
  void attend(const Dense& q, const Dense& v, Dense& out) const {
    const long rounds = settings.value("hashes", 2L), n = q.rows, from = head * kWidth;
    const double scale =
        settings.value("scale", 0.0) > 0 ? settings.value("scale", 0.0) : 1 / std::sqrt(double(kWidth));
    std::vector<std::vector<std::vector<bool>>> sees;
    for (long r = 0; r < rounds; ++r) sees.push_back(attended(q, r));
    for (long i = 0; i < n; ++i) {
      std::vector<Numbers> results;
      Numbers normalisers;
      for (const auto& round : sees) {
        Numbers scores, result(static_cast<std::size_t>(kWidth));
        for (long j = 0; j < n; ++j) {
          double product = 0, square = 0, shown = 0;
          for (long d = from; d < from + kWidth; ++d)
            product += q.at(i, d) * q.at(j, d), square += q.at(j, d) * q.at(j, d);
          for (const auto& other : sees) shown += other[std::size_t(i)][std::size_t(j)];
          const bool visible = round[std::size_t(i)][std::size_t(j)];
          scores.push_back(visible ? scale * product / std::sqrt(square) - (i == j ? 1e5 : std::log(shown))
                                   : -HUGE_VAL);
        }
        normalisers.push_back(log_sum(scores));
        for (long j = 0; j < n; ++j)
          for (long d = 0; d < kWidth; ++d)
            result[std::size_t(d)] += std::exp(scores[std::size_t(j)] - normalisers.back()) * v.at(j, from + d);
        results.push_back(result);
      }
      const double all = log_sum(normalisers);
      for (std::size_t r = 0; r < results.size(); ++r)
        for (long d = 0; d < kWidth; ++d)
          out.at(i, from + d) += std::exp(normalisers[r] - all) * results[r][std::size_t(d)];
    }
  }

  static double log_sum(const Numbers& x) {
    const double most = *std::max_element(x.begin(), x.end());
    double sum = 0;
    for (const double value : x) sum += std::exp(value - most);
    return most + std::log(sum);
  }
};

/// At step 3.
void expect_equations(const Json& settings, const std::vector<long>& lengths, long sample = 3) {
  const Trial trial("reformer", settings, lengths);
  const long longest = *std::max_element(lengths.begin(), lengths.end());
  trial.expect_rows([&](const Dense& x) {
    const Dense q = project(x, trial.weights("query")), v = project(x, trial.weights("value"));
    Dense y(x.rows, v.cols);
    for (long head = 0; head < kHeads; ++head) Equations{settings, head, longest, sample}.attend(q, v, y);
    return project(y, trial.weights("out"));
  });
}

// 300 tokens make 150 buckets; the sequences of at most 4 tokens are one chunk.
TEST(Reformer, EqualsItsEquations) {
  for (const auto& [across, causal] : {std::pair{false, false}, {true, false}, {false, true}})
    for (const long rounds : {1L, 2L, 5L})
      expect_equations({{"chunk", 4}, {"hashes", rounds}, {"across", across}, {"causal", causal}}, {300, 3, 41, 1});
}

// With few buckets a bucket has several chunks, with many most tokens see themselves alone; a sequence of one chunk is
// divided, too.
TEST(Reformer, EqualsItsEquationsWithAnyNumberOfBuckets) {
  for (const bool causal : {false, true})
    for (const long buckets : {2L, 6L, 32L})
      for (const long rounds : {1L, 4L})
        expect_equations({{"chunk", 7}, {"buckets", buckets}, {"hashes", rounds}, {"causal", causal}}, {61, 5, 7, 90});
}

TEST(Reformer, EqualsItsEquationsOverTilesOfQueries) {
  expect_equations({{"chunk", 140}, {"buckets", 4}, {"hashes", 3}}, {300});
}

TEST(Reformer, ScalesItsScores) {
  for (const double scale : {0.1, 3.0}) expect_equations({{"chunk", 8}, {"scale", scale}}, {50, 9});
}

TEST(Reformer, SamplesHashesAgainEveryFewSteps) {
  expect_equations({{"chunk", 8}, {"redraw", 2}}, {50}, 1);
  expect_equations({{"chunk", 8}, {"redraw", 0}}, {50}, 0);
}

TEST(Buckets, AreNoFewerThanWantedAndFactorsAreEven) {
  for (const long wanted : {2L, 7L, 10L, 32L, 33L, 128L, 150L, 512L, 4096L}) {
    const Buckets buckets(wanted);
    EXPECT_GE(buckets.count(), wanted);
    EXPECT_LE(buckets.count(), wanted + 4 * long(std::sqrt(double(wanted))) + 4);
    EXPECT_EQ(buckets.first % 2, 0);
    EXPECT_TRUE(buckets.second == 1 || buckets.second % 2 == 0);
  }
  EXPECT_EQ(Buckets(150).first, 14);
  EXPECT_EQ(Buckets(150).second, 12);
  EXPECT_EQ(Buckets(1).count(), 1);
}

// Source: hashes do not depend on length, equal directions have equal hashes, and near directions share a bucket often
// while opposite directions never do.
TEST(Hashing, SeesDirectionsOnly) {
  const Worker worker;
  constexpr long n = 200, d = 8;
  const Buckets buckets(64);
  Tensor x = Tensor::empty({n, d}), rotations = Tensor::empty({buckets.rotations(), d});
  const Numbers values = random_numbers(n * d, "x"), turns = random_numbers(std::size_t(rotations.size()), "rotations");
  std::copy(values.begin(), values.end(), x.data());
  std::copy(turns.begin(), turns.end(), rotations.data());
  const auto hash = [&](double factor, double noise) {
    Tensor y = Tensor::empty(x.shape());
    for (long i = 0; i < n * d; ++i)
      y.data()[i] = float(factor) * x.data()[i] + float(noise * Random(1, "noise").normal(std::uint64_t(i)));
    return hash_directions(y.matrix(), rotations.matrix(), buckets);
  };
  const auto plain = hash(1, 0);
  EXPECT_EQ(plain, hash(64, 0));
  const auto near = hash(1, 0.05), opposite = hash(-1, 0);
  long same_near = 0, same_opposite = 0;
  for (std::size_t i = 0; i < std::size_t(n); ++i) {
    same_near += plain[i] == near[i];
    same_opposite += plain[i] == opposite[i];
  }
  EXPECT_GT(same_near, n * 3 / 4);
  EXPECT_EQ(same_opposite, 0);
}

TEST(Hashing, OrderIsThatOfAStableSort) {
  const Random random(4, "keys");
  for (const std::uint32_t bound : {1u, 3u, 100u}) {
    std::vector<std::int32_t> keys(250), expected(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = std::int32_t(random.below(bound, i));
    std::iota(expected.begin(), expected.end(), 0);
    std::stable_sort(expected.begin(), expected.end(),
                     [&](std::int32_t a, std::int32_t b) { return keys[std::size_t(a)] < keys[std::size_t(b)]; });
    EXPECT_EQ(stable_order(keys, long(bound)), expected);
  }
}

}  // namespace
}  // namespace lra
