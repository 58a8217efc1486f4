/// Reformer against softmax attention over the pairs that share a chunk in some round, found by brute force.
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
        expect_dense(Trial("reformer", {{"chunk", (longest + parts - 1) / parts}, {"hashes", hashes}}, lengths),
                     [](const Dense& q, long) { return all_pairs(q.rows, false); });
      }
}

TEST(Reformer, OfOneChunkIsExactCausalAttention) {
  for (const auto& lengths : kLengths)
    expect_dense(Trial("reformer", {{"chunk", 300}, {"causal", true}}, lengths),
                 [](const Dense& q, long) { return all_pairs(q.rows, true); });
}

/// One bucket: chunks of the unsorted sequence, each with the previous chunk; as a ring, or if causal from the first
/// on.
TEST(Reformer, OfOneBucketIsLocal) {
  for (const bool causal : {false, true})
    expect_dense(
        Trial("reformer", {{"chunk", 10}, {"buckets", 1}, {"hashes", 2}, {"causal", causal}}, {47, 31}),
        [&](const Dense& q, long) {
          const long n = q.rows, chunks = (n + 9) / 10;
          Seen seen(std::size_t(n), std::vector<int>(std::size_t(n), 0));
          for (long i = 0; i < n; ++i)
            for (long j = 0; j < n; ++j) {
              const long back = i / 10 - j / 10;
              if (causal ? j <= i && back <= 1 : back == 0 || back == 1 || (i / 10 == 0 && j / 10 == chunks - 1))
                seen[std::size_t(i)][std::size_t(j)] = 1;
            }
          hide_itself(seen);
          return seen;
        });
}

constexpr long kMostRotations = 16;  // a chunk of 4 and 300 tokens: 16 rotations for 32 buckets, 7 + 6 for 150

/// The bucket of one query: the argmax of u and −u over the rotations from `first` on.
long bucket(const Dense& q, long i, long head, long round, long first, long half) {
  const Random random = Random(1, "hash", "rotations").at(3, 0);  // step 3
  double largest = -1;
  long best = 0;
  for (long c = 0; c < half; ++c) {
    double u = 0;
    for (long d = 0; d < kWidth; ++d) {
      const long element = ((round * kHeads + head) * kMostRotations + first + c) * kWidth + d;
      u += q.at(i, head * kWidth + d) * double(float(random.normal(std::uint64_t(element))));
    }
    if (std::abs(u) > largest) largest = std::abs(u), best = u < 0 ? half + c : c;
  }
  return best;
}

/// The visible pairs of one round, by the definition.
void add_round(const Dense& q, long head, long round, long chunk, long first, long second, bool causal, Seen& seen) {
  const long n = q.rows;
  std::vector<long> hash, order(static_cast<std::size_t>(n)), place(order.size());
  for (long i = 0; i < n; ++i) {
    hash.push_back(bucket(q, i, head, round, 0, first / 2));
    if (second > 1) hash.back() = hash.back() * second + bucket(q, i, head, round, first / 2, second / 2);
  }
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](long a, long b) { return hash[std::size_t(a)] < hash[std::size_t(b)]; });
  for (std::size_t r = 0; r < order.size(); ++r) place[std::size_t(order[r])] = long(r);
  // Causal: the position within the bucket, which no later token changes.
  for (long i = 0; causal && i < n; ++i)
    place[std::size_t(i)] = std::count(hash.begin(), hash.begin() + i, hash[std::size_t(i)]);
  const long chunks = (n + chunk - 1) / chunk;
  for (long i = 0; i < n; ++i)
    for (long j = 0; j < n; ++j) {
      const long own = place[std::size_t(i)] / chunk, other = place[std::size_t(j)] / chunk;
      const bool near = own == other || own == other + 1;
      if (causal ? near && j <= i && hash[std::size_t(i)] == hash[std::size_t(j)]
                 : near || (own == 0 && other == chunks - 1))
        seen[std::size_t(i)][std::size_t(j)] = 1;
    }
}

// Source: Kitaev et al., appendix A: a query's rounds together are one softmax over the keys that any of them finds.
// 300 tokens make 150 buckets, hashed as 14 times 12.
TEST(Reformer, EqualsSoftmaxOverWhatItsRoundsFind) {
  for (const bool causal : {false, true})
    for (const long hashes : {1L, 3L})
      expect_dense(Trial("reformer", {{"chunk", 4}, {"hashes", hashes}, {"causal", causal}}, {300, 3, 41}),
                   [&](const Dense& q, long head) {
                     const long n = q.rows;
                     if (n <= 4) return all_pairs(n, causal);
                     Seen seen(std::size_t(n), std::vector<int>(std::size_t(n), 0));
                     for (long r = 0; r < hashes; ++r)
                       add_round(q, head, r, 4, n == 300 ? 14 : 22, n == 300 ? 12 : 1, causal, seen);
                     hide_itself(seen);
                     return seen;
                   });
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
