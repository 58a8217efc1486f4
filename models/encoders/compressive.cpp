/// Compressive Transformer: a Transformer-XL that compresses older memories instead of discarding them.
///
///   Rae, Potapenko, Jayakumar, Hillier, Lillicrap. "Compressive Transformers for Long-Range Sequence Modelling." ICLR
///   2020, §3.
///   time O(N·(T+M+K)·C)   memory O(N·C)   segments of T tokens, memories of M, K compressed ones
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.h"
#include "models/layers/segments.h"

namespace lra {
namespace {

class Compressive final : public SegmentRecurrence {
 public:
  struct Config {
    long segment = 256;
    long memory = 256;
    long compressed = 128;
    long rate = 4;
    std::string compression = "convolution";
    std::string loss = "attention";
    double reconstruction = 1;
    bool causal = false;
    void fields(auto&& f) {
      f("segment", segment, "tokens of a segment", at_least(1));
      f("memory", memory, "uncompressed tokens before its segment that a token sees; up to rate - 1 more", at_least(0));
      f("compressed", compressed, "compressed memories, of `rate` tokens each, that a token sees before those",
        at_least(0));
      f("rate", rate, "tokens compressed into one memory", between(1, kMostOfASize));
      f("compression", compression, "convolution, dilated (convolution), mean, max (pooling) or most_used");
      f("loss", loss, "what trains a convolution: attention or autoencoding");
      f("reconstruction", reconstruction, "factor of that loss", at_least(0));
      f("causal", causal, "no token sees a later one, as in the paper; otherwise all of its segment");
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    const long last = (dims.length - 1) / config.segment * config.segment;
    return config.compressed > 0 && last >= config.memory + config.rate ? "" : "the compressed memory";
  }

  Compressive(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : SegmentRecurrence(config.segment, config.causal, dims, scope), config_(config) {
    const auto expect_one_of = [](const char* name, const std::string& value, const std::vector<std::string>& known) {
      if (std::find(known.begin(), known.end(), value) == known.end())
        fail_usage("compressive: {} is '{}'; it may be {}", name, value, fmt::join(known, ", "));
    };
    expect_one_of("compression", config.compression, {"convolution", "dilated", "mean", "max", "most_used"});
    expect_one_of("loss", config.loss, {"attention", "autoencoding"});
    if (!learned()) return;
    const long folded = config.rate * dims.width;
    for (long l = 0; l < dims.layers; ++l) {
      const ParameterScope mixer = scope / std::to_string(l) / "mixer";
      convolutions_.push_back(mixer.add("compression", {dims.width, folded}, Init::xavier(folded, dims.width)));
      if (config.loss == "autoencoding")
        decoders_.push_back(mixer.add("decoder", {folded, dims.width}, Init::xavier(dims.width, folded)));
    }
  }

 private:
  /// The states that a segment pushes out of the memory, in groups of `rate`.
  struct Pushed {
    long segment, first_group, groups;
  };

  bool learned() const { return config_.compression == "convolution" || config_.compression == "dilated"; }
  /// The number of groups that are compressed before a segment that begins at `begin`.
  long groups_before(long begin) const { return std::max(0L, begin - config_.memory) / config_.rate; }

  Memory memory(long begin) const override {
    const long made = groups_before(begin);
    return {.recent = begin - made * config_.rate, .made = made, .seen = std::min(made, config_.compressed)};
  }

  std::vector<Pushed> pushed_before(long last) const {
    std::vector<Pushed> all;
    for (long begin = 0; begin < last; begin += segment()) {
      const long first = groups_before(begin), groups = groups_before(begin + segment()) - first;
      if (groups > 0) all.push_back({begin, first, groups});
    }
    return all;
  }

  Tensor compressed(long layer, const Tensor& states, const SequenceLayout& layout) const override {
    const std::vector<Pushed> pushed = pushed_before(states.dim(0));
    if (config_.compression == "most_used") return most_used(layer, states, pushed);
    const long groups = groups_before(states.dim(0));
    if (config_.compression == "mean") return mean_rows(rows(states, 0, groups * config_.rate), groups_of(groups));
    if (config_.compression == "max") return maxima(states, groups);
    const Tensor folded = config_.compression == "dilated" ? dilated(states, groups) : states_of(states, 0, groups);
    const Tensor compressed = linear(reshaped(folded, groups), convolutions_[std::size_t(layer)]);
    if (!recording()) return compressed;
    if (config_.loss == "attention")
      keep_attention(block(layer), states, compressed, pushed, layout);
    else
      penalize(linear(compressed, decoders_[std::size_t(layer)]), reshaped(states_of(states, 0, groups), groups),
               layout);
    return compressed;
  }

  Tensor states_of(const Tensor& states, long first_group, long groups) const {
    return rows(states, first_group * config_.rate, groups * config_.rate);
  }

  SequenceLayout groups_of(long groups) const {
    SequenceLayout layout;
    for (long g = 0; g <= groups; ++g) layout.offsets.push_back(g * config_.rate);
    return layout;
  }

  /// The inputs of a convolution with a dilation of 2 that ends with the last state of each group; zeros before the
  /// first state.
  Tensor dilated(const Tensor& states, long groups) const {
    std::vector<long> taps;
    for (long g = 0; g < groups; ++g)
      for (long t = config_.rate - 1; t >= 0; --t) taps.push_back(std::max(-1L, (g + 1) * config_.rate - 1 - 2 * t));
    return gather_rows(states, taps);
  }

  /// Max pooling of constants, feature by feature.
  Tensor maxima(const Tensor& states, long groups) const {
    const long c = states.dim(1);
    Tensor y = Tensor::empty({groups, c});
    for (long g = 0; g < groups; ++g)
      for (long i = 0; i < c; ++i) {
        const Real* first = states.data() + g * config_.rate * c + i;
        y.data()[g * c + i] = *first;
        for (long t = 1; t < config_.rate; ++t) y.data()[g * c + i] = std::max(y.data()[g * c + i], first[t * c]);
      }
    return y;
  }

  /// One of `rate` pushed states, in their order: those to which the segment that pushes them out attends most.
  Tensor most_used(long layer, const Tensor& states, const std::vector<Pushed>& pushed) const {
    std::vector<long> kept;
    for (const Pushed& p : pushed) {
      const Tensor usage =
          block(layer).frozen_usage(rows(states, p.segment, segment()), states_of(states, p.first_group, p.groups));
      std::vector<long> order(std::size_t(p.groups * config_.rate));
      std::iota(order.begin(), order.end(), 0L);
      std::stable_sort(order.begin(), order.end(), [&](long a, long b) { return usage.data()[a] > usage.data()[b]; });
      std::sort(order.begin(), order.begin() + p.groups);
      for (long g = 0; g < p.groups; ++g) kept.push_back(p.first_group * config_.rate + order[std::size_t(g)]);
    }
    return gather_rows(states, kept);
  }

  /// The attention-reconstruction loss of one sequence: the mean squared difference between content attention of each
  /// segment over the states that it pushes out of the memory, and over the compressed states.
  void keep_attention(const RelativeBlock& block, const Tensor& states, const Tensor& compressed,
                      const std::vector<Pushed>& pushed, const SequenceLayout& layout) const {
    std::vector<Tensor> segments, whole, groups;
    SequenceLayout segment_layout, whole_layout, group_layout;
    segment_layout.offsets = whole_layout.offsets = group_layout.offsets = {0};
    for (const Pushed& p : pushed) {
      segments.push_back(rows(states, p.segment, segment()));
      whole.push_back(states_of(states, p.first_group, p.groups));
      groups.push_back(rows(compressed, p.first_group, p.groups));
      segment_layout.sequences.push_back(0);  // no random numbers are used
      segment_layout.offsets.push_back(segment_layout.tokens() + segment());
      whole_layout.offsets.push_back(whole_layout.tokens() + p.groups * config_.rate);
      group_layout.offsets.push_back(group_layout.tokens() + p.groups);
    }
    const PackedSequences queries{concat_rows(segments), segment_layout};
    const Tensor target = stop_gradient(block.frozen_content(queries, {concat_rows(whole), whole_layout}));
    penalize(block.frozen_content(queries, {concat_rows(groups), group_layout}), target, layout);
  }

  /// Adds the mean squared error to the loss.
  void penalize(const Tensor& reconstructed, const Tensor& target, const SequenceLayout& layout) const {
    const Tensor off = subtract(reconstructed, target);
    auxiliary_loss(multiply(off, off), config_.reconstruction / double(off.size()), layout);
  }

  Config config_;
  std::vector<Parameter> convolutions_, decoders_;  // one per layer
};

const RegisterModel<Compressive> registered{
    "compressive",
    {.summary = "segments that see earlier segments, the oldest ones compressed",
     .paper = "Rae et al. \"Compressive Transformers for Long-Range Sequence Modelling.\" ICLR 2020, arXiv:1911.05507",
     .complexity = "O(N (T+M+K))",
     .kind = "memory, recurrence",
     .differs =
         "LRA's code does not have it. The paper's model is causal, for language modelling, and that is the setting "
         "`causal`; by default tokens see all of their own segment. The paper's compressions are the values of "
         "`compression`, its losses those of `loss`, as a mean of squares instead of a sum; nothing else trains a "
         "compression. Convolutions have no bias; the dilated one has as many taps as the other, every other state up "
         "to the last of its group. Usage is the attention by content, without positions, that the segment which "
         "pushes states out pays to them; the paper does not say how it is measured. Distances count states in the "
         "memory, compressed or not, on which the paper is silent. States stay in the memory until `rate` of them can "
         "be compressed. Blocks are pre-norm, and memories are normalised when they are read; the embedding's "
         "positions are added as well. A class token before the sequence sees the first segment only, so presets use "
         "mean pooling.",
     .exponent = 1,
     .causal = true,
     .auxiliary_loss = true,
     .revision = 2}};

}  // namespace
}  // namespace lra
