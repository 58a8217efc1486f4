/// Product-key memory: in the middle block the feed-forward part is a large table of values; a token reads those whose
/// keys match its queries best.
///
///   Lample, Sablayrolles, Ranzato, Denoyer, Jégou. "Large Memory Layers with Product Keys." NeurIPS 2019, §3.
///   time O(N·H·(n·D + k² + k·C)) for n² values, H heads and queries of D features, besides O(N²·C) of the attention
///   memory O(N·H·n)
///   A key is a pair of half keys from two sets of n; the k best pairs consist of the k best half keys of each set.
#include "models/layers/blocks.h"
#include "models/ops/largest.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Memory final : public PositionWise {
 public:
  struct Config {
    long keys = 128;
    long top = 32;
    long heads = 4;
    long query = 0;
    bool query_bias = false;
    bool causal = false;
    void fields(auto&& f) {
      f("keys", keys, "half keys per set; the memory has the square of this number of values",
        between(1, kMostOfASize));
      f("top", top, "values that a head reads per token, at most `keys`", between(1, kMostOfASize));
      f("heads", heads, "queries per token; each has its own keys, all share the values", between(1, kMostOfASize));
      f("query", query, "features per query, even; 0 for the model's width, rounded up to even",
        between(0, kMostOfASize));
      f("query_bias", query_bias, "queries have a bias before their norm");
      f("causal", causal, "no token sees a later one");
    }
  };

  Memory(const Config& config, const LayerDims& dims, const ParameterScope& scope) : config_(config) {
    if (config.top > config.keys) fail_usage("product_key_memory: top is {}, of {} keys", config.top, config.keys);
    if (config.query % 2 != 0) fail_usage("product_key_memory: query is {}; it must be even", config.query);
    half_ = config.query > 0 ? config.query / 2 : (dims.width + 1) / 2;
    const long c = dims.width, features = 2 * half_;
    query_ = scope.add("query", {config.heads * features, c}, Init::xavier(c, config.heads * features));
    if (config.query_bias) query_bias_ = scope.add("query_bias", {config.heads * features}, Init::zeros());
    gamma_ = scope.add("query_norm.gamma", {features}, Init::ones());
    beta_ = scope.add("query_norm.beta", {features}, Init::zeros());
    const Init init{Init::Kind::uniform, 1 / std::sqrt(double(half_))};
    first_ = scope.add("first", {config.heads, config.keys, half_}, init);
    second_ = scope.add("second", {config.heads, config.keys, half_}, init);
    values_ = scope.add("values", {config.keys * config.keys, c}, Init::lecun(c));
    site_ = scope.dropout("out", dims.dropout);
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const long t = x.dim(0), h = config_.heads, k = config_.top;
    Tensor q = layer_norm(reshaped(linear(std::move(x), query_, query_bias_), t * h), gamma_, beta_);  // (T·H,D)
    const Tensor first = scores(q, 0, first_, t), second = scores(q, half_, second_, t);               // (T·H,n)
    const Choice choice = choose(first, second);
    const Tensor chosen = add(take_along_axis(first, choice.first), take_along_axis(second, choice.second));
    const Tensor weights = reshaped(softmax(chosen), t);  // (T,H·k)
    std::vector<long> places;
    for (std::size_t i = 0; i < std::size_t(t * h * k); ++i)
      places.push_back(choice.first[i] * config_.keys + choice.second[i]);
    return dropout(weighted_rows(weights, values_, std::move(places)), site_, layout);
  }

 private:
  /// The half keys of the best keys of each query.
  struct Choice {
    std::vector<long> first, second;
  };

  /// The dot products of one half of the queries with its half keys.
  Tensor scores(const Tensor& q, long begin, const Tensor& keys, long t) const {
    const Tensor halves = reshaped(head_columns(q, 1, begin, half_), t);  // (T,H·D/2)
    return reshaped(merge_heads(matmul(heads(halves, config_.heads), transposed(keys))), q.dim(0));
  }

  /// At least (i+1)(j+1) − 1 pairs are no worse than the pair of the i-th and j-th best half keys, so only few pairs
  /// can be among the k best.
  Choice choose(const Tensor& first, const Tensor& second) const {
    const long k = config_.top, n = config_.keys;
    const std::vector<long> best_first = largest_columns(first, k), best_second = largest_columns(second, k);
    std::vector<std::pair<long, long>> pairs;  // ranks of the half keys
    for (long i = 0; i < k; ++i)
      for (long j = 0; (i + 1) * (j + 1) <= k; ++j) pairs.emplace_back(i, j);
    Tensor sums = Tensor::empty({first.dim(0), long(pairs.size())});
    for (long row = 0; row < first.dim(0); ++row)
      for (std::size_t p = 0; p < pairs.size(); ++p)
        sums.data()[row * sums.dim(1) + long(p)] =
            first.data()[row * n + best_first[std::size_t(row * k + pairs[p].first)]] +
            second.data()[row * n + best_second[std::size_t(row * k + pairs[p].second)]];
    Choice choice;
    for (const long p : largest_columns(sums, k)) {
      const auto& [i, j] = pairs[std::size_t(p)];
      const std::size_t row =
          choice.first.size() / std::size_t(k) * std::size_t(k);  // first index of the token's ranks
      choice.first.push_back(best_first[row + std::size_t(i)]);
      choice.second.push_back(best_second[row + std::size_t(j)]);
    }
    return choice;
  }

  Config config_;
  long half_;
  Parameter query_, query_bias_, gamma_, beta_, first_, second_, values_;
  Dropout site_;
};

class ProductKeyMemory final : public Encoder {
 public:
  using Config = Memory::Config;

  static std::string switched_off(const Config&, const LayerDims& dims) {
    return dims.layers > 1 ? "" : "the feed-forward network, beside the memory";
  }

  ProductKeyMemory(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : blocks_(dims, scope, full_attention(config.causal),
                [config, middle = dims.layers / 2](const LayerDims& own,
                                                   const ParameterScope& place) -> std::unique_ptr<PositionWise> {
                  if (own.layer == middle) return std::make_unique<Memory>(config, own, place);
                  return feed_forward()(own, place);
                }) {}

  PackedSequences forward(PackedSequences tokens) const override { return blocks_.forward(std::move(tokens)); }

 private:
  Blocks blocks_;
};

const RegisterModel<ProductKeyMemory> registered{
    "product_key_memory",
    {.summary = "in the middle block, a large table of values addressed by product keys",
     .paper = "Lample et al. \"Large Memory Layers with Product Keys.\" NeurIPS 2019, arXiv:1907.05242",
     .complexity = "O(N²)",
     .kind = "sparse, memory",
     .differs =
         "LRA's code does not have it. Queries use layer norm instead of the authors' batch norm, with which an "
         "example would depend on the other examples in its batch. By default the memory has 128² values, not 512², "
         "queries have the model's width and, unlike the authors', no bias (`query_bias`), and values use the same "
         "optimiser and learning rate as all parameters.",
     .exponent = 2,
     .causal = true}};

}  // namespace
}  // namespace lra
