/// Cases of attention with other scores: mixed, sorted and sparse.
#include <numeric>

#include "models/ops/laplace_attention.h"
#include "models/testing/op_entries.h"

namespace lra::inline LRA_ENGINE {
namespace {

Entry scores(const std::string& name, std::vector<std::vector<long>> inputs, bool causal, double rate,
             const SequenceLayout& layout, const std::function<std::vector<Scores>(const Inputs&)>& terms,
             bool mixed = false) {
  // The last input is the values; if mixed, the one before it is the weights.
  return {{name, std::move(inputs)}, [=](const Inputs& x) {
            return score_attention(terms(x), mixed ? x[x.size() - 2] : Tensor(), x.back(), 2, causal, site(rate),
                                   layout);
          }};
}

/// Inputs q, k, a table of distances, and values.
Entry laplace(const std::string& name, std::vector<std::vector<long>> inputs, bool causal, double rate,
              const SequenceLayout& layout) {
  return {{"laplace weights, " + name, std::move(inputs)}, [=](const Inputs& x) {
            return laplace_attention({Scores::of_tokens(x[0], x[1], 0.7), Scores::of_distances(x[2])}, x[3], 2, causal,
                                     site(rate), layout);
          }};
}

}  // namespace

std::vector<Entry> score_cases() {
  const auto tokens = [](const Inputs& x) { return std::vector{Scores::of_tokens(x[0], x[1], 0.7)}; };
  const auto dense = [](const Inputs& x) { return std::vector{Scores::of_tokens_and_positions(x[0], x[1], x[2])}; };
  const auto positions = [](const Inputs& x) { return std::vector{Scores::of_positions(x[0], x[1])}; };
  const auto table = [](const Inputs& x) { return std::vector{Scores::in_table(x[0])}; };
  const auto factors = [](const Inputs& x) { return std::vector{Scores::of_factors(x[0], x[1])}; };
  const auto distances = [](const Inputs& x) { return std::vector{Scores::of_distances(x[0])}; };
  const auto mixture = [](const Inputs& x) {
    return std::vector{Scores::of_factors(x[0], x[1]), Scores::of_tokens(x[0], x[0], 1), Scores::in_table(x[2])};
  };
  const SequenceLayout r = ragged(), s = single(150, 160), l = single(300, 300);
  return {
      scores("scores of tokens", {{15, 6}, {15, 6}, {15, 4}}, false, 0.3, r, tokens),
      scores("scores of tokens, causal", {{300, 4}, {300, 4}, {300, 2}}, true, 0.2, l, tokens),
      scores("scores of tokens and positions", {{15, 6}, {11, 6}, {2, 11}, {15, 4}}, false, 0.2, r, dense),
      scores("scores of positions, causal", {{160, 4}, {160, 4}, {150, 4}}, true, 0, s, positions),
      scores("scores in a table", {{2, 11, 11}, {15, 4}}, false, 0, r, table),
      scores("scores in a table, causal", {{2, 11, 11}, {15, 4}}, true, 0.2, r, table),
      scores("scores of factors", {{15, 8}, {15, 6}, {15, 4}}, false, 0, r, factors),
      scores("scores of factors, several strips", {{150, 26}, {150, 26}, {150, 4}}, true, 0.2, s, factors),
      scores("scores of distances", {{7, 2}, {15, 4}}, false, 0.2, r, distances),
      scores("scores of distances, causal, several strips", {{301, 2}, {150, 4}}, true, 0, s, distances),
      laplace("ragged", {{15, 6}, {15, 6}, {7, 2}, {15, 4}}, false, 0.2, r),
      laplace("causal", {{15, 6}, {15, 6}, {21, 2}, {15, 4}}, true, 0, r),
      laplace("several strips", {{70, 4}, {70, 4}, {9, 2}, {70, 2}}, true, 0.2, single(70, 80)),
      scores("mixed scores", {{15, 8}, {15, 6}, {2, 11, 11}, {1, 3}, {15, 4}}, false, 0.2, r, mixture, true),
  };
}
namespace {

/// Where orders are cut: nowhere, or in the last round into runs, or in all rounds into buckets.
enum class Cut { none, runs, buckets };

/// Random permutations in place of hashes. The second run or bucket is a single token.
BucketOrders orders(const SequenceLayout& layout, long head_count, long rounds, Cut cut) {
  BucketOrders all;
  for (long s = 0; s < layout.count(); ++s)
    for (long h = 0; h < head_count; ++h) {
      std::vector<BucketOrder>& own = all.emplace_back(std::size_t(rounds));
      for (std::size_t r = 0; r < own.size(); ++r) {
        own[r].tokens.resize(std::size_t(layout.size(s)));
        std::iota(own[r].tokens.begin(), own[r].tokens.end(), 0);
        Sequence(Random(7, "order", std::to_string(r) + "." + std::to_string(h))).shuffle(own[r].tokens);
        own[r].runs = {0};
        if (cut == Cut::buckets) own[r].buckets = layout.size(s) > 4 ? std::vector{0, 3, 4} : std::vector{0};
      }
      if (cut == Cut::runs && layout.size(s) > 4) own.back().runs = {0, 3, 4};
    }
  return all;
}

Entry sorted(const std::string& name, long rounds, long chunk, Cut cut, bool causal, double rate,
             const SequenceLayout& layout, long width) {
  const long t = layout.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}}}, [=](const Inputs& x) {
            return sorted_attention(x[0], x[1], x[2], 2, orders(layout, 2, rounds, cut), chunk, causal, 0.7, site(rate),
                                    layout);
          }};
}

}  // namespace

std::vector<Entry> sorted_cases() {
  return {
      sorted("sorted_attention", 1, 2, Cut::none, false, 0, ragged(), 6),
      sorted("sorted_attention, rounds", 3, 2, Cut::none, false, 0.3, ragged(), 6),
      sorted("sorted_attention, runs", 2, 2, Cut::runs, false, 0.3, ragged(), 6),
      sorted("sorted_attention, causal", 3, 4, Cut::runs, true, 0.3, ragged(), 6),
      sorted("sorted_attention, buckets", 3, 2, Cut::buckets, false, 0.3, ragged(), 6),
      sorted("sorted_attention, buckets over several tiles", 2, 140, Cut::buckets, false, 0.1, single(300, 310), 4),
      sorted("sorted_attention, chunks of several tiles", 2, 140, Cut::runs, false, 0.1, single(300, 310), 4),
      sorted("sorted_attention, one chunk", 1, 500, Cut::none, true, 0, single(150, 150), 4),
  };
}
namespace {

Entry entmax(const std::string& name, bool causal, double rate, const SequenceLayout& layout, long width,
             long head_count) {
  const long t = layout.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}, {1, head_count}}}, [=](const Inputs& x) {
            return entmax_attention(x[0], x[1], x[2], add(sigmoid(x[3]), Tensor::ones({1, 1})), head_count, causal,
                                    site(rate), layout);
          }};
}

Entry entmax(const std::string& name, double alpha) {
  return {{name, {{15, 6}, {15, 6}, {15, 6}}}, [=](const Inputs& x) {
            return entmax_attention(x[0], x[1], x[2], Tensor::full({1, 2}, Real(alpha)), 2, false, site(0.2), ragged());
          }};
}

}  // namespace

std::vector<Entry> entmax_cases() {
  return {
      entmax("entmax_attention", false, 0, ragged(), 6, 2),
      entmax("entmax_attention, causal, dropout", true, 0.3, ragged(), 6, 2),
      entmax("entmax_attention, several strips", false, 0.1, single(150, 160), 4, 1),
      entmax("entmax_attention, several strips, causal", true, 0, single(150, 160), 4, 2),
      entmax("entmax_attention, softmax", 1),
      entmax("entmax_attention, 1.5", 1.5),
      entmax("entmax_attention, sparsemax", 2),
      {{"entmax_attention, nearly softmax", {{15, 6}, {15, 6}, {15, 6}, {1, 2}}},
       [](const Inputs& x) {
         const Tensor alpha = Tensor::full({1, 2}, Real(1.01));
         return entmax_attention(x[0], x[1], x[2], add(scale(sigmoid(x[3]), 0.05), alpha), 2, false, site(0), ragged());
       }},
  };
}

}  // namespace lra::inline LRA_ENGINE
