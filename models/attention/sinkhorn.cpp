/// Sinkhorn Transformer: a learned network softly sorts blocks of keys, and each block of queries sees its own block
/// and the block sorted to its position.
///
///   Tay, Bahri, Yang, Metzler, Juan. "Sparse Sinkhorn Attention." ICML 2020.
///   time O(N·b·C + N²/b·C): O(N√N·C) at b = √N   memory O(N·C + H·(N/b)²)
///   The sorting network is W₂·relu(W₁·P + w₁) of a block's mean P, one matrix of scores per head; the paper pools by
///   the sum, which for full blocks is the same up to the scale of W₁.
#include <cmath>
#include <limits>

#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Sinkhorn final : public Mixer {
 public:
  struct Config {
    long block = 0;
    long iterations = 7;
    double temperature = 0.75;
    bool gumbel = true;
    bool own = true;
    long cut = 0;
    bool causal = false;
    void fields(auto&& f) {
      f("block", block, "tokens per block; 0 for the square root of the task's length", at_least(0));
      f("iterations", iterations, "iterations of the normalisation of the sorting matrix", between(1, 10000));
      f("temperature", temperature, "temperature by which scores are divided before normalisation", positive());
      f("gumbel", gumbel, "in training, add Gumbel noise to the scores of every example");
      f("own", own, "queries see their own block besides the sorted one");
      f("cut", cut, "SortCut: all queries see this many sorted blocks and nothing else; 0 for none", at_least(0));
      f("causal", causal,
        "no token sees a later one: blocks are sorted among earlier blocks and normalised by rows only, because a "
        "column's sum runs over later blocks");
    }
  };

  Sinkhorn(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config), heads_(dims.heads), block_(std::min(config.block, dims.length)), projections_(dims, scope) {
    if (config.causal && config.cut > 0)
      fail_usage("sinkhorn: cut shows every query the same blocks; it is not causal");
    if (config.causal && !config.own)
      fail_usage("sinkhorn: without its own block the first block sees nothing if causal; own must be true");
    if (block_ == 0) block_ = std::max(1L, std::lround(std::sqrt(double(dims.length))));
    blocks_ = count_of(dims.length);
    const long c = dims.width;
    sort_in_ = scope.add("sort.in", {c, c}, Init::xavier(c, c));
    sort_bias_ = scope.add("sort.bias", {c}, Init::zeros());
    sort_out_ = scope.add("sort.out", {heads_ * blocks_, c}, Init::xavier(c, blocks_));
    site_ = scope.dropout("probabilities", dims.attention_dropout);
    noise_ = scope.random("gumbel", "sort");
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor q = linear(x, projections_.query), k = linear(x, projections_.key), v = linear(x, projections_.value);
    std::vector<Tensor> keys, values;  // per sequence: its tokens, then the sorted blocks
    SequenceLayout key_layout = layout;
    for (long s = 0; s < layout.count(); ++s) {
      const long begin = layout.begin(s), n = layout.size(s);
      const Tensor sort = sorting(rows(x, begin, n), layout, s);
      for (const auto& [source, parts] : {std::pair{&k, &keys}, {&v, &values}}) {
        parts->push_back(rows(*source, begin, n));
        parts->push_back(mix_blocks(sort, parts->back(), heads_, block_));
      }
      key_layout.offsets[std::size_t(s) + 1] = key_layout.begin(s) + n + keys.back().dim(0);
    }
    return linear(sparse_attention(
                      q, concat_rows(keys), concat_rows(values), heads_,
                      [this, layout, key_layout](long s, long, const PartVisitor& visit) {
                        visit_parts(layout.size(s), key_layout.size(s), visit);
                      },
                      site_, layout, key_layout),
                  projections_.out);
  }

 private:
  long count_of(long n) const { return (n + block_ - 1) / block_; }

  /// The sorting matrices of one sequence x (n,C) with B blocks: (B, H·B), or (min(cut, B), H·B).
  Tensor sorting(const Tensor& x, const SequenceLayout& layout, long s) const {
    const long count = count_of(x.dim(0));
    const Tensor hidden = relu(linear(pooled(x), sort_in_, sort_bias_));  // (B,C)
    std::vector<Tensor> sorts;
    for (long h = 0; h < heads_; ++h) {
      Tensor scores = linear(hidden, rows(sort_out_, h * blocks_, count));  // (B,B)
      if (training() && config_.gumbel) scores = add(std::move(scores), gumbel(count, h, layout, s));
      scores = scale(std::move(scores), 1 / config_.temperature);
      sorts.push_back(config_.causal ? softmax(add(std::move(scores), later(count)))
                                     : sinkhorn(std::move(scores), config_.iterations));
    }
    const Tensor all = concat_columns(sorts);
    return config_.cut > 0 ? rows(all, 0, std::min(config_.cut, count)) : all;
  }

  /// (n,C) → (B,C): the mean of each block, or of all tokens before it if causal (zero for the first).
  Tensor pooled(const Tensor& x) const {
    const long n = x.dim(0), count = count_of(n);
    SequenceLayout blocks;
    for (long u = 0; u <= count; ++u) blocks.offsets.push_back(std::min(u * block_, n));
    Tensor means = mean_rows(x, blocks);
    if (!config_.causal) return means;
    Tensor before = Tensor::zeros({count, count});
    for (long u = 0; u < count; ++u) std::fill_n(before.data() + u * count, u, Real(1) / Real(std::max(1L, u)));
    return matmul(before, means);
  }

  Tensor gumbel(long count, long head, const SequenceLayout& layout, long s) const {
    const Random random = noise_.at(layout.step, layout.sequences[std::size_t(s)]);
    Tensor noise = Tensor::empty({count, count});
    for (long u = 0; u < count; ++u)
      for (long v = 0; v < count; ++v) {
        const auto element = std::uint64_t((head * blocks_ + u) * blocks_ + v);
        noise.data()[u * count + v] = Real(-std::log(-std::log((double(random.bits(element)) + 0.5) / 0x1p32)));
      }
    return noise;
  }

  /// A mask with −infinity for blocks that are not earlier. The first row, whose result is unused, keeps one finite
  /// entry so that its softmax is defined.
  static Tensor later(long count) {
    Tensor mask = Tensor::zeros({count, count});
    for (long u = 0; u < count; ++u)
      for (long v = std::max(1L, u); v < count; ++v)
        mask.data()[u * count + v] = -std::numeric_limits<Real>::infinity();
    return mask;
  }

  /// For n tokens. Keys: the n tokens, then the sorted blocks.
  void visit_parts(long n, long keys, const PartVisitor& visit) const {
    const long slots = std::min(block_, n);
    if (config_.cut > 0) return visit({Positions::all(n), Positions(keys).add(n, keys - n)});
    if (config_.causal) {
      Window own = Window::blocks(block_);
      own.causal = true;
      visit({Positions::all(n), Positions(keys).add(0, n), own});
    }
    for (long u = config_.causal ? 1 : 0; u < count_of(n); ++u) {
      Positions seen(keys);
      if (config_.own && !config_.causal) seen.add(u * block_, std::min(block_, n - u * block_));
      visit({Positions(n).add(u * block_, block_), seen.add(n + u * slots, slots)});
    }
  }

  Config config_;
  long heads_, block_, blocks_;  // blocks_: in the longest sequence
  Projections projections_;
  Parameter sort_in_, sort_bias_, sort_out_;
  Dropout site_;
  Random noise_{0, ""};
};

const RegisterModel<Sinkhorn> registered{
    "sinkhorn",
    {.summary = "each block and one that a network sorts to its position",
     .paper = "Tay et al. \"Sparse Sinkhorn Attention.\" ICML 2020, arXiv:2002.11296",
     .complexity = "O(N √N)",
     .kind = "learnable pattern",
     .differs =
         "LRA's code does not sort: it sums over blocks and weights separately, so that every block sees the same sum "
         "of "
         "all blocks; its blocks take every (N/b)-th token, its sort is one softmax, and local and sorted results are "
         "added. Here the balanced matrix sorts contiguous blocks, and one softmax runs over a query's own block and "
         "the "
         "sorted one, as in public PyTorch code; in the equation of the survey \"Efficient Transformers\" a query sees "
         "the "
         "sorted block alone (`own`).",
     .exponent = 1.5,
     .fixed_length = true,
     .causal = true,
     .stochastic = true}};

}  // namespace
}  // namespace lra
