/// Compressive Transformer: a Transformer-XL that compresses older memories instead of discarding them.
///
///   Rae, Potapenko, Jayakumar, Hillier, Lillicrap. "Compressive Transformers for Long-Range Sequence Modelling." ICLR
///   2020, §3.
///   time O(N·(T+M+K)·C)   memory O(N·C)   segments of T tokens, memories of M, K compressed ones
///   A layer's memory is its own input in earlier segments, so all segments are computed layer by layer at once.
#include "models/layers/mixer.h"
#include "models/layers/relative.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Compressive final : public Mixer {
 public:
  struct Config {
    long segment = 256;
    long memory = 256;
    long compressed = 128;
    long rate = 4;
    double reconstruction = 1;
    bool causal = false;
    void fields(auto&& f) {
      f("segment", segment, "tokens of a segment", at_least(1));
      f("memory", memory, "uncompressed tokens before its segment that a token sees; up to rate - 1 more", at_least(0));
      f("compressed", compressed, "compressed memories, of `rate` tokens each, that a token sees before those",
        at_least(0));
      f("rate", rate, "tokens compressed into one memory", between(1, kMostOfASize));
      f("reconstruction", reconstruction, "factor of the loss that trains the compression", at_least(0));
      f("causal", causal, "no token sees a later one, as in the paper; otherwise all of its segment");
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    const long last = (dims.length - 1) / config.segment * config.segment;
    return config.compressed > 0 && last >= config.memory + config.rate ? "" : "the compressed memory";
  }

  Compressive(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        heads_(dims.heads),
        projections_(dims, scope),
        compression_(scope.add("compression", {dims.width, config.rate * dims.width},
                               Init::xavier(config.rate * dims.width, dims.width))),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const long c = config_.rate;
    std::vector<double> places, context_places;
    std::vector<Tensor> context;  // per sequence: tokens, tokens without gradient, compressed groups
    SequenceLayout context_layout = layout;
    context_layout.length = 2 * layout.length + layout.length / c;
    for (long s = 0; s < layout.count(); ++s) {
      const long n = layout.size(s), groups = compressed_before(last_segment(n));
      for (long i = 0; i < n; ++i) places.push_back(double(i));
      context.push_back(rows(x, layout.begin(s), n));
      context.push_back(stop_gradient(context.back()));
      context_places.insert(context_places.end(), places.end() - n, places.end());
      context_places.insert(context_places.end(), places.end() - n, places.end());
      if (groups > 0) {
        const Tensor compressed = linear(reshaped(rows(context.back(), 0, groups * c), groups), compression_);
        reconstruct(context.back(), compressed, layout);
        context.push_back(stop_gradient(compressed));
        for (long g = 0; g < groups; ++g) context_places.push_back(double(g * c) + double(c - 1) / 2);
      }
      context_layout.offsets[std::size_t(s) + 1] = context_layout.begin(s) + 2 * n + groups;
    }
    const Tensor all = concat_rows(context);
    return projections_.out(sparse_attention(
        projections_.queries(x, places), projections_.keys(all, context_places), projections_.values(all), heads_,
        [this, layout, context_layout](long s, long, const PartVisitor& visit) {
          visit_parts(layout.size(s), context_layout.size(s), visit);
        },
        site_, layout, context_layout));
  }

 private:
  /// The position where the last segment of n tokens begins.
  long last_segment(long n) const { return (n - 1) / config_.segment * config_.segment; }
  /// The number of groups that are compressed before a segment that begins at `begin`.
  long compressed_before(long begin) const { return std::max(0L, begin - config_.memory) / config_.rate; }

  /// The attention-reconstruction loss of one sequence: the mean squared difference between content attention of each
  /// segment over the states that it pushes out of the memory, and over the compressed states.
  void reconstruct(const Tensor& constant, const Tensor& compressed, const SequenceLayout& layout) const {
    const long n = constant.dim(0), last = last_segment(n);
    std::vector<Tensor> queries, pushed, groups;
    SequenceLayout query_layout, pushed_layout, group_layout;
    query_layout.offsets = pushed_layout.offsets = group_layout.offsets = {0};
    for (long begin = 0; begin < last; begin += config_.segment) {
      const long from = compressed_before(begin), count = compressed_before(begin + config_.segment) - from;
      if (count == 0) continue;
      queries.push_back(rows(constant, begin, config_.segment));
      pushed.push_back(rows(constant, from * config_.rate, count * config_.rate));
      groups.push_back(rows(compressed, from, count));
      query_layout.sequences.push_back(0);  // no random numbers are used
      query_layout.offsets.push_back(query_layout.tokens() + config_.segment);
      pushed_layout.offsets.push_back(pushed_layout.tokens() + count * config_.rate);
      group_layout.offsets.push_back(group_layout.tokens() + count);
    }
    const Tensor q = concat_rows(queries);
    const Tensor target =
        stop_gradient(projections_.frozen_content(q, query_layout, concat_rows(pushed), pushed_layout));
    const Tensor off =
        subtract(projections_.frozen_content(q, query_layout, concat_rows(groups), group_layout), target);
    auxiliary_loss(multiply(off, off), config_.reconstruction / double(off.size()), layout);
  }

  /// For n tokens. Keys: the tokens, the tokens as memories, the compressed groups.
  void visit_parts(long n, long keys, const PartVisitor& visit) const {
    for (long begin = 0; begin < n; begin += config_.segment) {
      const Positions own = Positions(n).add(begin, config_.segment);
      Window before = Window::everything();
      before.causal = config_.causal;
      visit({own, Positions(keys).add(begin, std::min(config_.segment, n - begin)), before});
      const long groups = compressed_before(begin), seen = std::min(groups, config_.compressed);
      const long oldest = groups * config_.rate;
      if (begin > oldest || seen > 0)
        visit({own, Positions(keys).add(n + oldest, begin - oldest).add(2 * n + groups - seen, seen)});
    }
  }

  Config config_;
  long heads_;
  RelativeProjections projections_;
  Parameter compression_;
  Dropout site_;
};

const RegisterModel<Compressive> registered{
    "compressive",
    {.summary = "segments that see earlier segments, the oldest ones compressed",
     .paper = "Rae et al. \"Compressive Transformers for Long-Range Sequence Modelling.\" ICLR 2020, arXiv:1911.05507",
     .complexity = "O(N (T+M+K))",
     .kind = "memory, recurrence",
     .differs =
         "LRA's code does not have it. The paper's model is causal, for language modelling, and that is the setting "
         "`causal`; by default tokens see all of their own segment. The compression is the paper's "
         "convolution, without bias, and its loss the paper's attention reconstruction, as a mean of squares instead "
         "of a sum; nothing else trains the compression. States stay in the memory until `rate` of them can be "
         "compressed. Blocks are pre-norm, so memories are normalised states; the embedding's positions are added as "
         "well. A class token before the sequence sees the first segment only, so presets use mean pooling.",
     .exponent = 1,
     .causal = true,
     .auxiliary_loss = true}};

}  // namespace
}  // namespace lra
