/// Reformer: a token attends to those that a hash of directions puts near it.
///
///   Kitaev, Kaiser, Levskaya. "Reformer: The Efficient Transformer." ICLR 2020, §2. Its reversible layers save memory
///   in the stack, not in attention, and are not part of this model.
///   time O(R·N·c·C + R·N·H·√(N/c)·D)   memory O(N·C), R rounds in chunks of c tokens
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
    bool causal = false;
    void fields(auto&& f) {
      f("chunk", chunk, "tokens of a chunk; each chunk sees itself and the one before it", at_least(1));
      f("buckets", buckets, "buckets of a hash, rounded up to an even number or a product of two; 0 for 2N / chunk",
        between(0, 65536));
      f("hashes", hashes, "rounds, each with a hash of its own", between(1, 1024));
      f("scale", scale, "factor of the product of a query and a key of length 1; 0 for 1/√D, the paper's", at_least(0));
      f("redraw", redraw, "training steps between draws of the hashes; 0 for one draw for ever", at_least(0));
      f("causal", causal, "no token sees a later one");
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
    return Buckets(config_.buckets > 0 ? config_.buckets : 2 * ((n + config_.chunk - 1) / config_.chunk));
  }

  /// The tokens of each sequence by bucket, round by round. Where chunks begin may not depend on later tokens when
  /// causal; then each bucket is cut into chunks by itself.
  BucketOrders orders(const Tensor& q, const SequenceLayout& layout) const {
    const Tensor rotations = rotations_->at(layout);  // (R,H,·,D)
    BucketOrders all;
    for (long s = 0; s < layout.count(); ++s)
      for (long h = 0; h < heads_; ++h) {
        const long n = layout.size(s);
        const ConstView queries(q.data() + layout.begin(s) * q.dim(1) + h * width_, n, width_, q.dim(1));
        const bool whole = n <= config_.chunk;  // one chunk sees everything, in whatever order
        const Buckets shape = whole ? Buckets(1) : buckets(n);
        std::vector<BucketOrder>& own = all.emplace_back();
        for (long r = 0; r < (whole ? 1 : config_.hashes); ++r) {
          const ConstView round(rotations.data() + (r * heads_ + h) * most_ * width_, most_, width_, width_);
          const auto hashes = hash_directions(queries, round, shape);
          own.push_back({stable_order(hashes, shape.count()), {0}});
          for (std::int32_t i = 1; config_.causal && i < std::int32_t(n); ++i)
            if (hashes[std::size_t(own.back().tokens[std::size_t(i)])] !=
                hashes[std::size_t(own.back().tokens[std::size_t(i) - 1])])
              own.back().runs.push_back(i);
        }
      }
    return all;
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
     .complexity = "O(R N c)",
     .kind = "learnable pattern",
     .differs =
         "LRA's code cuts the sorted sequence into ten chunks whatever its length, so its cost stays quadratic; it "
         "multiplies scores by √D where the paper divides, does not normalise keys, lets tokens attend to themselves, "
         "has no output projection, hashes always alike, and keeps the query width equal to the model's. Here chunks "
         "have a fixed length and the rest is the paper's, but for the causal mode: there each bucket is cut into "
         "chunks by itself, or later tokens would shift the chunks of earlier ones.",
     .exponent = 1,
     .causal = true,
     .stochastic = true}};

}  // namespace
}  // namespace lra
