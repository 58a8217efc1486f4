/// The sparse models against dense masks written from the papers' definitions, and causal modes.
#include <gtest/gtest.h>

#include <set>

#include "models/testing/dense.h"

namespace lra {
namespace {

bool everything(long, long) { return true; }

TEST(Sparse, FixedEqualsItsDenseMask) {
  for (const auto& lengths : kLengths)
    for (const auto& [l, c] : {std::pair{1L, 1L}, {4L, 1L}, {7L, 3L}, {50L, 10L}, {1000L, 8L}})
      for (const bool causal : {false, true})
        Trial("sparse", {{"block", l}, {"summary", c}, {"causal", causal}}, lengths)
            .expect([&, l = l, c = c](const Dense& q, const Dense& k, const Dense& v) {
              return attend(q, k, v, 3, softmax_weight, [&](long i, long j) {
                const bool summary = j % l >= l - c || (!causal && j >= q.rows - c && q.rows % l > 0);
                return (i / l == j / l || summary) && (!causal || j <= i);
              });
            });
}

TEST(Sparse, StridedEqualsItsDenseMask) {
  for (const auto& lengths : kLengths)
    for (const long l : {1L, 4L, 7L, 50L, 1000L})
      for (const bool causal : {false, true})
        Trial("sparse", {{"pattern", "strided"}, {"block", l}, {"summary", 1}, {"causal", causal}}, lengths)
            .expect([&](const Dense& q, const Dense& k, const Dense& v) {
              return attend(q, k, v, 3, softmax_weight, [&](long i, long j) {
                return (std::abs(i - j) < l || (i - j) % l == 0) && (!causal || j <= i);
              });
            });
}

TEST(Sparse, HeadsTakeTheTwoSetsInTurn) {
  for (const auto& lengths : kLengths)
    for (const std::string pattern : {"fixed", "strided"})
      for (const bool causal : {false, true})
        Trial("sparse", {{"pattern", pattern}, {"join", "heads"}, {"block", 6}, {"summary", 2}, {"causal", causal}},
              lengths)
            .expect([&](const Dense& q, const Dense& k, const Dense& v) {
              return attend(q, k, v, 3, softmax_weight, [&](long h, long i, long j) {
                if (causal && j > i) return false;
                if (pattern == "strided") return h % 2 == 0 ? std::abs(i - j) < 6 : (i - j) % 6 == 0;
                return h % 2 == 0 ? i / 6 == j / 6 : j % 6 >= 4 || (!causal && j >= q.rows - 2 && q.rows % 6 > 0);
              });
            });
}

TEST(Sparse, LayersTakeTheTwoSetsInTurn) {
  for (const long layer : {0L, 1L, 2L})
    for (const std::string pattern : {"fixed", "strided"}) {
      Trial trial("sparse", {{"pattern", pattern}, {"join", "layers"}, {"block", 6}, {"summary", 2}}, {20});
      trial.c.layer = layer;
      trial.set({});
      trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
        return attend(q, k, v, 3, softmax_weight, [&](long i, long j) {
          if (pattern == "strided") return layer % 2 == 0 ? std::abs(i - j) < 6 : (i - j) % 6 == 0;
          return layer % 2 == 0 ? i / 6 == j / 6 : j % 6 >= 4 || j >= 18;
        });
      });
    }
}

// Child et al., §4.2: each head may attend to different c tokens of a block.
TEST(Sparse, SpreadHeadsTakeOtherTokensOfEachBlock) {
  for (const auto& lengths : kLengths)
    for (const auto& [l, c] : {std::pair{6L, 2L}, {6L, 1L}, {7L, 3L}, {5L, 4L}})
      for (const bool causal : {false, true})
        Trial("sparse", {{"block", l}, {"summary", c}, {"spread", true}, {"causal", causal}}, lengths)
            .expect([&, l = l, c = c](const Dense& q, const Dense& k, const Dense& v) {
              return attend(q, k, v, 3, softmax_weight, [&](long h, long i, long j) {
                const long from_end = l - 1 - j % l, own = h % (l / c);
                const bool last = !causal && q.rows % l > 0 && j >= q.rows - c;
                return (i / l == j / l || from_end / c == own || last) && (!causal || j <= i);
              });
            });
}

/// The tokens whose outputs change with token j of a sequence of n.
std::vector<bool> influence(const MixerCase& c, long j, const Named& parameters = {}) {
  const long n = c.lengths[0];
  Numbers x = random_numbers(std::size_t(n * c.width), "x");
  const Numbers before = f64::run_mixer(c, x, {}, parameters).result;
  for (long d = 0; d < c.width; ++d) x[std::size_t(j * c.width + d)] += 1 + 0.1 * double(d);
  const Numbers after = f64::run_mixer(c, x, {}, parameters).result;
  std::vector<bool> changed(static_cast<std::size_t>(n));
  for (std::size_t e = 0; e < after.size(); ++e)
    if (before[e] != after[e]) changed[e / std::size_t(c.width)] = true;
  return changed;
}

MixerCase inference(const std::string& model, Json settings, long n, long width = 4, long heads = 1) {
  MixerCase c;
  c.model = model, c.settings = std::move(settings), c.lengths = {n}, c.training = false;
  c.width = c.qkv = width, c.heads = heads;
  return c;
}

// Child et al., §4.2: the two sets, applied one after the other, connect every two positions, also with an incomplete
// last block.
TEST(Sparse, TwoStepsReachEveryToken) {
  constexpr std::size_t kN = 37;
  for (const std::string pattern : {"fixed", "strided"}) {
    std::vector<std::vector<bool>> changes;  // by changed token
    for (std::size_t j = 0; j < kN; ++j)
      changes.push_back(
          influence(inference("sparse", {{"pattern", pattern}, {"block", 6}, {"summary", 1}}, kN), long(j)));
    for (std::size_t j = 0; j < kN; ++j)
      for (std::size_t i = 0; i < kN; ++i) {
        bool reached = false;
        for (std::size_t by = 0; by < kN; ++by) reached = reached || (changes[j][by] && changes[by][i]);
        EXPECT_TRUE(reached) << pattern << ": " << j << " to " << i;
      }
  }
}

TEST(Longformer, EqualsItsDenseMask) {
  for (const auto& lengths : kLengths)
    for (const long global : {0L, 1L, 5L, 300L})
      for (const auto& [window, dilation] : {std::pair{8L, 1L}, {6L, 3L}, {0L, 1L}, {1000L, 1L}}) {
        const Trial trial("longformer",
                          {{"window", window}, {"dilation", dilation}, {"dilated_heads", 2}, {"global_tokens", global}},
                          lengths);
        trial.expect_rows([&, window = window, dilation = dilation](const Dense& x) {
          const auto part = [&](const char* name) { return project(x, trial.weights(name)); };
          Dense y = attend(part("query"), part("key"), part("value"), 3, softmax_weight, [&](long h, long i, long j) {
            const long step = h < 2 ? dilation : 1;
            return j < global || ((j - i) % step == 0 && std::abs(i - j) <= window / 2 * step);
          });
          if (global > 0) {
            const Dense own =
                attend(part("global_query"), part("global_key"), part("global_value"), 3, softmax_weight, everything);
            for (long i = 0; i < std::min(global, x.rows); ++i)
              for (long c = 0; c < y.cols; ++c) y.at(i, c) = own.at(i, c);
          }
          return project(y, trial.weights("out"));
        });
      }
}

// Beltagy et al., §4.1: windows from 32 to 512, here by doubling, and appendix: in the small model dilation grows every
// second layer from layer 6 on.
TEST(Longformer, HasWindowsAndDilationByLayer) {
  const auto expect = [](const Json& settings, long layers, long layer, long reach, long step) {
    Trial trial("longformer", settings, {300, 5});
    trial.c.layers = layers, trial.c.layer = layer;
    trial.set({});
    trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
      return attend(q, k, v, 3, softmax_weight, [&](long h, long i, long j) {
        const long own = h < 2 ? step : 1;
        return (j - i) % own == 0 && std::abs(i - j) <= reach * own;
      });
    });
  };
  const Json windows{{"window", 512}, {"first_window", 32}, {"global_tokens", 0}};
  for (const auto& [layer, window] : {std::pair{0L, 32L}, {1L, 64L}, {2L, 128L}, {3L, 256L}, {4L, 512L}})
    expect(windows, 5, layer, window / 2, 1);
  expect(windows, 1, 0, 256, 1);
  const Json dilation{{"window", 10}, {"dilation", 4}, {"first_dilated", 6}, {"global_tokens", 0}};
  for (const auto& [layer, step] :
       {std::pair{0L, 1L}, {5L, 1L}, {6L, 2L}, {7L, 2L}, {8L, 3L}, {9L, 3L}, {10L, 4L}, {11L, 4L}})
    expect(dilation, 12, layer, 5, step);
}

// Beltagy et al., §3.1: with equal projections for global tokens it is attention with one mask.
TEST(Longformer, WithEqualProjectionsIsOneMask) {
  for (const long global : {2L, 40L}) {
    Trial trial("longformer", {{"window", 4}, {"global_tokens", global}}, {40});
    Named tied = trial.run.parameters;
    for (const std::string name : {"query", "key", "value"}) tied.at("global_" + name) = tied.at(name);
    trial.set(tied);
    trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
      return attend(q, k, v, 3, softmax_weight,
                    [&](long i, long j) { return std::abs(i - j) <= 2 || i < global || j < global; });
    });
  }
}

/// The pairs that each head sees, found by changing one token after another. A unit matrix as output projection keeps
/// heads apart.
class Seen {
 public:
  Seen(const Json& settings, long n, long heads) : n_(n) {
    const MixerCase c = inference("bigbird", settings, n, 2 * heads, heads);
    Named unit = f64::run_mixer(c, Numbers(std::size_t(n * c.width)), {}).parameters;
    unit = {{"out", Numbers(unit.at("out").size())}};
    for (long d = 0; d < c.width; ++d) unit.at("out")[std::size_t(d * c.width + d)] = 1;
    Numbers x = random_numbers(std::size_t(n * c.width), "x");
    const Numbers before = f64::run_mixer(c, x, {}, unit).result;
    for (long j = 0; j < n; ++j) {
      Numbers other = x;
      for (long d = 0; d < c.width; ++d) other[std::size_t(j * c.width + d)] += 1 + 0.1 * double(d);
      const Numbers after = f64::run_mixer(c, other, {}, unit).result;
      for (long i = 0; i < n; ++i)
        for (long h = 0; h < heads; ++h)
          if (before[std::size_t(i * c.width + 2 * h)] != after[std::size_t(i * c.width + 2 * h)])
            seen_.insert({h, i, j});
    }
  }
  bool operator()(long head, long query, long key) const { return query == key || seen_.contains({head, query, key}); }

  /// The blocks that block `block` of queries sees; checks that blocks are visible as a whole or not at all.
  std::set<long> blocks(long head, long block, long size) const {
    std::set<long> all;
    for (long other = 0; other * size < n_; ++other) {
      const bool sees = (*this)(head, block * size, other * size);
      for (long i = block * size; i < std::min(n_, (block + 1) * size); ++i)
        for (long j = other * size; j < std::min(n_, (other + 1) * size); ++j)
          EXPECT_EQ((*this)(head, i, j), sees || (block == other)) << i << " " << j;
      if (sees) all.insert(other);
    }
    return all;
  }

 private:
  long n_;
  std::set<std::array<long, 3>> seen_;
};

// Zaheer et al., §2 and appendix D: global first and last blocks, a window of w blocks, and r random blocks.
TEST(BigBird, SeesWindowGlobalAndRandomBlocks) {
  constexpr long kN = 47, kBlock = 4, kBlocks = 12, kHeads = 2;
  const Json settings = {{"block", kBlock}, {"random", 2}};
  const Seen seen(settings, kN, kHeads);
  std::set<std::set<long>> chosen;
  for (long h = 0; h < kHeads; ++h)
    for (long b = 0; b < kBlocks; ++b) {
      const std::set<long> blocks = seen.blocks(h, b, kBlock);
      if (b == 0 || b == kBlocks - 1) {
        EXPECT_EQ(blocks.size(), std::size_t(kBlocks));
        continue;
      }
      std::set<long> fixed = {0, b - 1, b, b + 1, kBlocks - 1}, random;
      for (const long block : fixed) EXPECT_TRUE(blocks.contains(block)) << b << " sees " << block;
      for (const long block : blocks)
        if (!fixed.contains(block)) random.insert(block);
      EXPECT_EQ(random.size(), 2u) << "head " << h << ", block " << b;
      chosen.insert(random);
    }
  EXPECT_GT(chosen.size(), 8u) << "random blocks differ between blocks and heads";
  // Each key counts once.
  Trial("bigbird", settings, {kN}, 2 * kHeads, kHeads).expect([&](const Dense& q, const Dense& k, const Dense& v) {
    return attend(q, k, v, kHeads, softmax_weight, seen);
  });
}

TEST(BigBird, ExtendedConstructionHasGlobalTokens) {
  constexpr long kN = 30, kBlock = 4, kGlobal = 3;
  const Seen seen({{"block", kBlock}, {"random", 0}, {"global_tokens", kGlobal}}, kN, 1);
  for (long i = 0; i < kN; ++i)
    for (long j = 0; j < kN; ++j)
      EXPECT_EQ(seen(0, i, j), i < kGlobal || j < kGlobal || std::abs(i / kBlock - j / kBlock) <= 1) << i << " " << j;
  const Json settings = {{"block", kBlock}, {"random", 2}, {"global_tokens", kGlobal}};
  const Seen random(settings, kN, 2);
  Trial("bigbird", settings, {kN}, 4, 2).expect([&](const Dense& q, const Dense& k, const Dense& v) {
    return attend(q, k, v, 2, softmax_weight, random);
  });
}

// Settings with which every pair is visible.
TEST(SparseModels, AreTheTransformerWhenTheySeeEverything) {
  const std::vector<std::pair<std::string, Json>> cases = {
      {"local", {{"block", 300}}},
      {"local", {{"window", 299}}},
      {"sparse", {{"block", 300}}},
      {"sparse", {{"block", 1}, {"summary", 1}}},
      {"sparse", {{"pattern", "strided"}, {"block", 300}}},
      {"sparse", {{"pattern", "strided"}, {"block", 1}, {"summary", 1}}},
      {"longformer", {{"window", 598}, {"global_tokens", 0}}},
      {"bigbird", {{"block", 300}}},
      {"bigbird", {{"block", 7}, {"random", 1000}}},
      {"bigbird", {{"block", 7}, {"random", 1000}, {"global_tokens", 9}}},
      {"bigbird", {{"block", 5}, {"random", 0}, {"window", 201}}},
      {"sinkhorn", {{"block", 300}}},
  };
  for (const auto& [model, settings] : cases)
    for (const auto& lengths : kLengths)
      Trial(model, settings, lengths).expect([](const Dense& q, const Dense& k, const Dense& v) {
        return attend(q, k, v, 3, softmax_weight, everything);
      });
}

/// Blocks sorted by the weights s (B,B) of one head: token t of block u is Σ_v s[u][v] x[v·block + t].
Dense sorted_blocks(const Dense& s, const Dense& x, long block) {
  const long slots = std::min(block, x.rows);
  Dense y(s.rows * slots, x.cols);
  for (long u = 0; u < s.rows; ++u)
    for (long v = 0; v < s.cols; ++v)
      for (long t = 0; t < slots && v * block + t < x.rows; ++t)
        for (long c = 0; c < x.cols; ++c) y.at(u * slots + t, c) += s.at(u, v) * x.at(v * block + t, c);
  return y;
}

struct Sorter {
  const Trial& trial;
  long block, heads;
  bool causal;
  double temperature = trial.c.settings.value("temperature", 0.75);
  int iterations = causal ? 1 : trial.c.settings.value("iterations", 7);

  /// W₂·relu(W₁·P + w₁) of block means (of all earlier tokens if causal), divided by the temperature and normalised.
  Dense weights(const Dense& x, long head) const {
    const long count = (x.rows + block - 1) / block;
    Dense pooled(count, x.cols);
    for (long u = 0; u < count; ++u) {
      const long begin = causal ? 0 : u * block, end = causal ? u * block : std::min(x.rows, (u + 1) * block);
      for (long i = begin; i < end; ++i)
        for (long c = 0; c < x.cols; ++c) pooled.at(u, c) += x.at(i, c) / double(end - begin);
    }
    Dense hidden = project(pooled, trial.weights("sort.in"));
    for (long u = 0; u < count; ++u)
      for (long c = 0; c < x.cols; ++c)
        hidden.at(u, c) = std::max(0.0, hidden.at(u, c) + trial.run.parameters.at("sort.bias")[std::size_t(c)]);
    const Dense out = trial.weights("sort.out");
    Dense s(count, count);
    for (long u = 0; u < count; ++u)
      for (long v = 0; v < count; ++v) {
        double score = 0;
        for (long c = 0; c < x.cols; ++c) score += hidden.at(u, c) * out.at(head * (out.rows / heads) + v, c);
        s.at(u, v) = causal && v >= u ? 0 : std::exp(score / temperature);
      }
    for (int round = 0; round < iterations; ++round) {
      for (long u = 0; u < count; ++u) divide(s, u, 1, count);
      for (long v = 0; !causal && v < count; ++v) divide(s, v, 0, count);
    }
    return s;
  }

  static void divide(Dense& s, long line, bool row, long count) {
    double sum = 0;
    for (long i = 0; i < count; ++i) sum += row ? s.at(line, i) : s.at(i, line);
    for (long i = 0; sum > 0 && i < count; ++i) (row ? s.at(line, i) : s.at(i, line)) /= sum;
  }
};

/// The mixer by its definition: in each head, one softmax over the query's block and the sorted block, or over the
/// first `cut` sorted blocks.
void expect_sinkhorn(const Trial& trial, long block, bool causal, long cut, bool own = true) {
  trial.expect_rows([&](const Dense& x) {
    constexpr long kHeads = 2;
    Dense joined(x.rows, x.cols);
    for (long h = 0; h < kHeads; ++h) {
      const auto part = [&](const char* name) { return of_head(project(x, trial.weights(name)), h, kHeads); };
      const Dense s = Sorter{trial, block, kHeads, causal}.weights(x, h), k = part("key"), v = part("value");
      const long n = x.rows, slots = std::min(block, n);
      const Dense y = attend(part("query"), below(k, sorted_blocks(s, k, block)), below(v, sorted_blocks(s, v, block)),
                             1, softmax_weight, [&](long i, long j) {
                               if (cut > 0) return j >= n && j < n + cut * slots;
                               if (j < n) return own && i / block == j / block && (!causal || j <= i);
                               return (j - n) / slots == i / block && (!causal || i >= block);
                             });
      for (long i = 0; i < n; ++i)
        for (long d = 0; d < y.cols; ++d) joined.at(i, h * y.cols + d) = y.at(i, d);
    }
    return project(joined, trial.weights("out"));
  });
}

TEST(Sinkhorn, EqualsItsDenseDefinition) {
  for (const auto& lengths : kLengths)
    for (const long block : {1L, 4L, 7L, 50L})
      for (const auto& [causal, cut] : {std::pair{false, 0L}, {true, 0L}, {false, 2L}}) {
        if (lengths[0] > 130 && block < 7) continue;
        const Trial trial("sinkhorn", {{"block", block}, {"gumbel", false}, {"causal", causal}, {"cut", cut}}, lengths,
                          8, 2);
        expect_sinkhorn(trial, block, causal, cut);
      }
}

// The survey "Efficient Transformers" (Tay et al.), §3.2.7: a query sees the block sorted to its position, and no
// other.
TEST(Sinkhorn, OfSortedBlocksAloneEqualsItsDenseDefinition) {
  for (const auto& lengths : kLengths) {
    const Trial trial("sinkhorn", {{"block", 7}, {"gumbel", false}, {"own", false}}, lengths, 8, 2);
    expect_sinkhorn(trial, 7, false, 0, false);
  }
}

TEST(Sinkhorn, UsesItsTemperatureAndIterations) {
  for (const auto& [temperature, iterations] : {std::pair{0.2, 1}, {3.0, 40}})
    expect_sinkhorn(
        Trial("sinkhorn", {{"block", 7}, {"gumbel", false}, {"temperature", temperature}, {"iterations", iterations}},
              {130, 3}, 8, 2),
        7, false, 0);
}

// Scores of 1000 for one block make the sorting matrix a permutation; Tay et al., §3.1: queries then see their own
// block and that block. A block sorted to its own position counts twice, which does not change the softmax.
TEST(Sinkhorn, SortsByPermutation) {
  constexpr long kBlocks = 5, kBlock = 3, kN = kBlocks * kBlock, kWidth = 6;
  for (const long shift : {0L, 2L}) {
    Trial trial("sinkhorn", {{"block", kBlock}, {"gumbel", false}}, {kN}, kWidth, 1);
    for (long i = 0; i < kN; ++i) trial.x[std::size_t(i * kWidth + i / kBlock)] += 100;
    Named parameters = trial.run.parameters;
    for (const char* name : {"query", "key"})
      for (double& w : parameters.at(name)) w *= 0.02;  // scores of moderate size
    Numbers &in = parameters.at("sort.in"), &out = parameters.at("sort.out");
    std::fill(in.begin(), in.end(), 0.0), std::fill(out.begin(), out.end(), 0.0);
    for (long b = 0; b < kBlocks; ++b) {
      in[std::size_t(b * kWidth + b)] = 1;
      out[std::size_t((b + shift) % kBlocks * kWidth + b)] = 10;
    }
    trial.set(parameters);
    trial.expect([&](const Dense& q, const Dense& k, const Dense& v) {
      return attend(q, k, v, 1, softmax_weight, [&](long i, long j) {
        const long from = i / kBlock, to = j / kBlock;
        return from == to || (from + shift) % kBlocks == to;
      });
    });
  }
}

TEST(Sinkhorn, DrawsNoiseInTrainingOnly) {
  MixerCase c = inference("sinkhorn", {{"block", 4}}, 30);
  const Numbers x = random_numbers(std::size_t(30 * c.width), "x");
  const auto result = [&](bool training, std::uint32_t step) {
    c.training = training, c.step = step;
    return f64::run_mixer(c, x, Numbers(x.size())).result;
  };
  EXPECT_EQ(result(false, 1), result(false, 2));
  EXPECT_EQ(result(true, 1), result(true, 1));
  EXPECT_NE(result(true, 1), result(true, 2));
  EXPECT_NE(result(true, 1), result(false, 1));
}

// Source: the meaning of causal. The same settings without `causal` must fail the check, which shows that it can fail.
TEST(CausalModels, NoTokenSeesALaterOne) {
  const std::vector<std::pair<std::string, Json>> cases = {
      {"local", {{"block", 6}}},
      {"local", {{"block", 5}, {"neighbours", 1}}},
      {"local", {{"window", 4}}},
      {"sparse", {{"block", 6}, {"summary", 2}}},
      {"sparse", {{"pattern", "strided"}, {"block", 6}, {"summary", 2}}},
      {"sparse", {{"pattern", "strided"}, {"join", "heads"}, {"block", 6}, {"summary", 2}}},
      {"longformer", {{"window", 6}, {"global_tokens", 0}}},
      {"longformer", {{"window", 6}, {"dilation", 2}}},
      {"sinkhorn", {{"block", 5}}},
      {"sinkhorn", {{"block", 1}}},
  };
  constexpr long kN = 23;
  for (const auto& [model, settings] : cases)
    for (const bool causal : {true, false}) {
      Json all = settings;
      all["causal"] = causal;
      bool sees_later = false, sees_earlier = false;
      for (const long j : {0L, 1L, 5L, 6L, 11L, 13L, 22L}) {
        const std::vector<bool> changed = influence(inference(model, all, kN, 4, 2), j);
        EXPECT_TRUE(changed[std::size_t(j)]);
        for (long i = 0; i < kN; ++i)
          if (changed[std::size_t(i)]) (i < j ? sees_later : sees_earlier) |= i != j;
      }
      EXPECT_EQ(sees_later, !causal) << model << " " << all.dump();
      EXPECT_TRUE(sees_earlier) << model << " " << all.dump();
    }
}

}  // namespace
}  // namespace lra
