/// Funnel-Transformer: between blocks of layers the sequence is pooled to half its length; the queries are means of two
/// neighbours, while keys are still all tokens.
///
///   Dai, Lai, Yang, Le. "Funnel-Transformer: Filtering out Sequential Redundancy for Efficient Language Processing."
///   NeurIPS 2020, §2.2.
///   time O(N²·C); a block's layers take a quarter of the time of the previous block's   memory O(N·C)
#include "models/layers/basic.h"
#include "models/layers/encoder.h"
#include "models/layers/relative.h"

namespace lra {
namespace {

class Funnel final : public Encoder {
 public:
  struct Config {
    long blocks = 3;
    void fields(auto&& f) {
      f("blocks", blocks, "blocks into which the layers are divided; at most the number of layers", at_least(1));
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    return std::min(config.blocks, dims.layers) > 1 ? "" : "pooling";
  }

  Funnel(const Config& config, const LayerDims& dims, const ParameterScope& scope) : norm_(scope / "norm", dims.width) {
    const long blocks = std::min(config.blocks, dims.layers);
    const auto block_of = [&](long layer) { return layer * blocks / dims.layers; };
    for (long l = 0; l < dims.layers; ++l)
      layers_.emplace_back(dims, scope / std::to_string(l), l > 0 && block_of(l) != block_of(l - 1));
  }

  PackedSequences forward(PackedSequences tokens) const override {
    Placed rows{std::move(tokens.x), std::move(tokens.layout), {}};
    for (long s = 0; s < rows.layout.count(); ++s)
      for (long i = 0; i < rows.layout.size(s); ++i) rows.places.push_back(double(i));
    for (const Layer& layer : layers_) rows = layer.forward(std::move(rows));
    return {norm_(std::move(rows.x)), std::move(rows.layout)};
  }

 private:
  struct Placed {
    Tensor x;
    SequenceLayout layout;
    std::vector<double> places;  // position of each row, in tokens from the first of its sequence
  };

  /// Pools each sequence: the first row, then means of pairs of the others; an unpaired last row stays as it is.
  static Placed halved(const Placed& rows) {
    Placed means{{}, rows.layout, {}};
    SequenceLayout pairs;
    pairs.offsets = {0};
    for (long s = 0; s < rows.layout.count(); ++s) {
      const long end = rows.layout.begin(s) + rows.layout.size(s);
      for (long i = rows.layout.begin(s), last; i < end; i = last + 1) {
        last = i == rows.layout.begin(s) ? i : std::min(i + 1, end - 1);
        pairs.offsets.push_back(last + 1);
        means.places.push_back((rows.places[std::size_t(i)] + rows.places[std::size_t(last)]) / 2);
      }
      means.layout.offsets[std::size_t(s) + 1] = long(means.places.size());
    }
    means.layout.length = 1 + rows.layout.length / 2;
    means.x = mean_rows(rows.x, pairs);
    return means;
  }

  struct Layer {
    Layer(const LayerDims& dims, const ParameterScope& scope, bool pools)
        : halves(pools),
          heads(dims.heads),
          mixer_norm(scope / "mixer_norm", dims.width),
          mixer(dims, scope / "mixer"),
          probabilities(scope.dropout("probabilities", dims.attention_dropout)),
          mixer_site(scope.dropout("mixer_out", dims.dropout)),
          feed_norm(scope / "feed_norm", dims.width),
          feed(scope / "feed", dims.width, dims.ff, dims.dropout) {}

    Placed forward(Placed rows) const {
      const Tensor seen = mixer_norm(rows.x);
      Placed out = halves ? halved(rows) : rows;
      const Tensor seeking = halves ? mixer_norm(out.x) : seen;
      Tensor mixed =
          softmax_attention(mixer.queries(seeking, out.places), mixer.keys(seen, rows.places), mixer.values(seen),
                            heads, Window::everything(), probabilities, out.layout, rows.layout);
      out.x = add(dropout(mixer.out(mixed), mixer_site, out.layout), out.x);
      out.x = feed.residual(std::move(out.x), feed_norm, out.layout);
      return out;
    }

    bool halves;
    long heads;
    LayerNorm mixer_norm;
    RelativeProjections mixer;
    Dropout probabilities, mixer_site;
    LayerNorm feed_norm;
    FeedForward feed;
  };

  std::vector<Layer> layers_;
  LayerNorm norm_;
};

const RegisterModel<Funnel> registered{
    "funnel",
    {.summary = "blocks of layers, with the sequence halved between them",
     .paper = "Dai et al. \"Funnel-Transformer: Filtering out Sequential Redundancy for Efficient Language "
              "Processing.\" NeurIPS 2020, arXiv:2006.03236",
     .complexity = "O(N²)",
     .kind = "fixed pattern, downsampling",
     .differs =
         "LRA's code does not have it. Blocks are pre-norm, as for every model here, while the paper normalises after "
         "the residual. A sequence's first row is never pooled, whether it is a class token or not; the position of a "
         "mean is the mean of its tokens' positions, while the authors' code keeps the position of one of them, and no "
         "token is cut off to make lengths even. The decoder, for tasks on tokens, is omitted; the embedding's "
         "positions are added as well.",
     .exponent = 2}};

}  // namespace
}  // namespace lra
