/// Funnel-Transformer: between blocks of layers the sequence is pooled to half its length, by queries that are means of
/// two neighbours and still see all the tokens.
///
///   Dai, Lai, Yang, Le. "Funnel-Transformer: Filtering out Sequential Redundancy for Efficient Language Processing."
///   NeurIPS 2020, §2.2.
///   time O(N²·C), of which a block's layers take a quarter of what those of the block before do   memory O(N·C)
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
      f("blocks", blocks, "blocks that the layers are divided into; at most as many as layers are made", at_least(1));
    }
  };

  Funnel(const Config& config, const Geometry& geometry, const Scope& scope) : norm_(scope / "norm", geometry.width) {
    const long blocks = std::min(config.blocks, geometry.layers);
    const auto block_of = [&](long layer) { return layer * blocks / geometry.layers; };
    for (long l = 0; l < geometry.layers; ++l)
      layers_.emplace_back(geometry, scope / std::to_string(l), l > 0 && block_of(l) != block_of(l - 1));
  }

  Packed forward(Packed tokens) const override {
    Placed rows{std::move(tokens.x), std::move(tokens.pack), {}};
    for (long s = 0; s < rows.pack.count(); ++s)
      for (long i = 0; i < rows.pack.size(s); ++i) rows.places.push_back(double(i));
    for (const Layer& layer : layers_) rows = layer.forward(std::move(rows));
    return {norm_(std::move(rows.x)), std::move(rows.pack)};
  }

 private:
  struct Placed {
    Tensor x;
    Pack pack;
    std::vector<double> places;  // of each row, in tokens from the first of its sequence
  };

  /// Each sequence's first row, and the means of the others, two by two; what is left over stays alone.
  static Placed halved(const Placed& rows) {
    Placed means{{}, rows.pack, {}};
    Pack pairs;
    pairs.offsets = {0};
    for (long s = 0; s < rows.pack.count(); ++s) {
      const long end = rows.pack.begin(s) + rows.pack.size(s);
      for (long i = rows.pack.begin(s), last; i < end; i = last + 1) {
        last = i == rows.pack.begin(s) ? i : std::min(i + 1, end - 1);
        pairs.offsets.push_back(last + 1);
        means.places.push_back((rows.places[std::size_t(i)] + rows.places[std::size_t(last)]) / 2);
      }
      means.pack.offsets[std::size_t(s) + 1] = long(means.places.size());
    }
    means.pack.length = 1 + rows.pack.length / 2;
    means.x = mean_rows(rows.x, pairs);
    return means;
  }

  struct Layer {
    Layer(const Geometry& geometry, const Scope& scope, bool pools)
        : halves(pools),
          heads(geometry.heads),
          mixer_norm(scope / "mixer_norm", geometry.width),
          mixer(geometry, scope / "mixer"),
          probabilities(scope.dropout("probabilities", geometry.attention_dropout)),
          mixer_site(scope.dropout("mixer_out", geometry.dropout)),
          feed_norm(scope / "feed_norm", geometry.width),
          feed(scope / "feed", geometry.width, geometry.ff, geometry.dropout) {}

    Placed forward(Placed rows) const {
      const Tensor seen = mixer_norm(rows.x);
      Placed out = halves ? halved(rows) : rows;
      const Tensor seeking = halves ? mixer_norm(out.x) : seen;
      Tensor mixed =
          softmax_attention(mixer.queries(seeking, out.places), mixer.keys(seen, rows.places), mixer.values(seen),
                            heads, Window::everything(), probabilities, out.pack, rows.pack);
      out.x = add(dropout(mixer.out(mixed), mixer_site, out.pack), out.x);
      out.x = feed.residual(std::move(out.x), feed_norm, out.pack);
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
    {.summary = "blocks of layers, the sequence halved between them",
     .paper = "Dai et al. \"Funnel-Transformer: Filtering out Sequential Redundancy for Efficient Language "
              "Processing.\" NeurIPS 2020, arXiv:2006.03236",
     .complexity = "O(N²)",
     .kind = "fixed pattern, downsampling",
     .differs =
         "LRA's code does not have it. Blocks are pre-norm, as for every model here, where the paper's normalise after "
         "the residual. A sequence's first row is never pooled, whether it is the class token's or not; a mean stands "
         "at the mean of its tokens' places, where the authors' code keeps the place of one of them, and no token is "
         "cut off to make lengths even. The decoder, for tasks on tokens, is left out; the embedding's positions are "
         "added as well.",
     .exponent = 2}};

}  // namespace
}  // namespace lra
