/// Reformer: a token attends to tokens with a similar hash of their direction.
///
///   Kitaev, Kaiser, Levskaya. "Reformer: The Efficient Transformer." ICLR 2020, §2. Its reversible layers save memory
///   in the stack, not in attention, and are not part of this model.
///   time O(R·N·(c + √(N/c))·C): attention, and hashing to 2N/c buckets   memory O(N·C), R rounds in chunks of c tokens
#include <cmath>
#include <optional>

#include "models/layers/mixer.h"
#include "models/layers/resampled.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Reformer final : public Mixer {
 public:
  struct Config {
    long chunk = 64;
    long buckets = 0;
    long hashes = 2;
    double scale = 0;
    long redraw = 1;
    bool across = false;
    bool causal = false;
    void fields(auto&& f) {
      f("chunk", chunk, "tokens per chunk; each chunk sees itself and the previous chunk", at_least(1));
      f("buckets", buckets,
        "buckets per hash, rounded up to an even number or a product of two; 0 for 2N / chunk, or 1 if N ≤ chunk",
        between(0, 65536));
      f("hashes", hashes, "rounds, each with its own hash", between(1, 1024));
      f("scale", scale, "factor of the product of a query and a unit-length key; 0 for the paper's 1/√D", at_least(0));
      f("redraw", redraw, "training steps after which hashes are sampled again; 0 for never", at_least(0));
      f("across", across,
        "tokens also see other buckets of their chunk and the previous one; the first chunk sees the last");
      f("causal", causal, "no token sees a later one; each bucket is divided into chunks separately");
    }
  };

  Reformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        heads_(dims.heads),
        width_(dims.qkv / dims.heads),
        shared_(head_projection(dims, scope, "query")),
        value_(head_projection(dims, scope, "value")),
        out_(out_projection(dims, scope)),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    if (config.across && config.causal)
      fail_usage("reformer: across shows tokens of other buckets, whose chunks later tokens shift; it is not causal");
    most_ = 1;
    for (long n = 1; n <= dims.length; n += config.chunk) most_ = std::max(most_, buckets(n).rotations());
    most_ = std::max(most_, buckets(dims.length).rotations());
    rotations_.emplace(scope.random("hash", "rotations"), Shape{config.hashes, heads_, most_, width_}, config.redraw,
                       sample_normal);
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor q = linear(x, shared_), v = linear(std::move(x), value_);
    const double scale = config_.scale > 0 ? config_.scale : 1 / std::sqrt(double(width_));
    return linear(sorted_attention(q, l2_normalize(q, heads_), v, heads_, orders(q, layout), config_.chunk,
                                   config_.causal, scale, site_, layout),
                  out_);
  }

 private:
  Buckets buckets(long n) const {
    if (config_.buckets > 0) return Buckets(config_.buckets);
    return Buckets(n <= config_.chunk ? 1 : 2 * ((n + config_.chunk - 1) / config_.chunk));
  }

  /// The tokens of each sequence sorted by bucket, for each round. If causal, chunk boundaries must not depend on later
  /// tokens, so each bucket is divided into chunks separately.
  BucketOrders orders(const Tensor& q, const SequenceLayout& layout) const {
    const Tensor rotations = rotations_->at(layout);  // (R,H,·,D)
    BucketOrders all;
    for (long s = 0; s < layout.count(); ++s)
      for (long h = 0; h < heads_; ++h) {
        const long n = layout.size(s);
        const ConstView queries(q.data() + layout.begin(s) * q.dim(1) + h * width_, n, width_, q.dim(1));
        // A single chunk without other buckets sees everything in any order.
        const Buckets shape = n <= config_.chunk && config_.across ? Buckets(1) : buckets(n);
        const bool whole = n <= config_.chunk && shape.count() == 1;
        std::vector<BucketOrder>& own = all.emplace_back();
        for (long r = 0; r < (whole ? 1 : config_.hashes); ++r) {
          const ConstView round(rotations.data() + (r * heads_ + h) * most_ * width_, most_, width_, width_);
          const auto hashes = hash_directions(queries, round, shape);
          BucketOrder& order = own.emplace_back(BucketOrder{stable_order(hashes, shape.count()), {0}});
          if (!config_.across) (config_.causal ? order.runs : order.buckets) = starts(hashes, order.tokens);
        }
      }
    return all;
  }

  /// The places in an order where another bucket begins.
  static std::vector<std::int32_t> starts(const std::vector<std::int32_t>& hashes,
                                          const std::vector<std::int32_t>& order) {
    std::vector<std::int32_t> places = {0};
    for (std::size_t i = 1; i < order.size(); ++i)
      if (hashes[std::size_t(order[i])] != hashes[std::size_t(order[i - 1])]) places.push_back(std::int32_t(i));
    return places;
  }

  Config config_;
  long heads_, width_, most_;
  Parameter shared_, value_, out_;
  Dropout site_;
  std::optional<ResampledConstants> rotations_;
};

const RegisterModel<Reformer> registered{
    "reformer",
    {.summary = "softmax attention among tokens of similar hash",
     .paper = "Kitaev et al. \"Reformer: The Efficient Transformer.\" ICLR 2020, arXiv:2001.04451",
     .complexity = "O(R N (c + √(N/c)))",
     .kind = "learnable pattern",
     .differs =
         "LRA's code divides the sorted sequence into ten chunks whatever its length, so its cost stays quadratic; its "
         "tokens see all of their chunk and the previous one, whatever the bucket, and the first chunk sees the last "
         "(`across`); it multiplies scores by √D where the paper divides, does not normalise keys, lets tokens attend "
         "to themselves, has no output projection, never changes its hashes, and keeps the query width equal to the "
         "model's. Here chunks have a fixed length and the rest follows the paper except for the causal mode, which "
         "divides each bucket into chunks separately, because later tokens would shift the chunks of earlier ones. "
         "The second term of the time is that of hashing, whose share grows with the square root of the length.",
     .exponent = 1,
     .head_growth = true,
     .causal = true,
     .stochastic = true,
     .revision = 2}};

}  // namespace
}  // namespace lra
