/// Transformer-XL: the sequence is divided into segments, each of which also sees the states of earlier segments,
/// without gradient.
///
///   Dai, Yang, Yang, Carbonell, Le, Salakhutdinov. "Transformer-XL: Attentive Language Models beyond a Fixed-Length
///   Context." ACL 2019, §3.
///   time O(N·(T+M)·C)   memory O(N·C)   segments of T tokens, memories of M
///   A layer's memory is its own input in earlier segments, so all segments are computed layer by layer at once.
#include "models/layers/mixer.h"
#include "models/layers/relative.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class TransformerXl final : public Mixer {
 public:
  struct Config {
    long segment = 256;
    long memory = 256;
    bool causal = false;
    void fields(auto&& f) {
      f("segment", segment, "tokens of a segment", at_least(1));
      f("memory", memory, "tokens before its segment that a token sees, without gradient", at_least(0));
      f("causal", causal, "no token sees a later one, as in the paper; otherwise all of its segment");
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    return config.memory > 0 && dims.length > config.segment ? "" : "the memory of earlier segments";
  }

  TransformerXl(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        heads_(dims.heads),
        projections_(dims, scope),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    std::vector<double> places;
    std::vector<Tensor> context;  // per sequence: its tokens, then the same without gradient
    std::vector<double> context_places;
    SequenceLayout context_layout = layout;
    context_layout.length = 2 * layout.length;
    for (long s = 0; s < layout.count(); ++s) {
      const long n = layout.size(s);
      for (long i = 0; i < n; ++i) places.push_back(double(i));
      context.push_back(rows(x, layout.begin(s), n));
      context.push_back(stop_gradient(context.back()));
      context_places.insert(context_places.end(), places.end() - n, places.end());
      context_places.insert(context_places.end(), places.end() - n, places.end());
      context_layout.offsets[std::size_t(s) + 1] = context_layout.begin(s) + 2 * n;
    }
    const Tensor both = concat_rows(context);
    return projections_.out(sparse_attention(
        projections_.queries(x, places), projections_.keys(both, context_places), projections_.values(both), heads_,
        [this, layout](long s, long, const PartVisitor& visit) { visit_parts(layout.size(s), visit); }, site_, layout,
        context_layout));
  }

 private:
  void visit_parts(long n, const PartVisitor& visit) const {
    for (long begin = 0; begin < n; begin += config_.segment) {
      const Positions own = Positions(n).add(begin, config_.segment);
      Window before = Window::everything();
      before.causal = config_.causal;
      visit({own, Positions(2 * n).add(begin, std::min(config_.segment, n - begin)), before});
      const long seen = std::min(config_.memory, begin);
      if (seen > 0) visit({own, Positions(2 * n).add(n + begin - seen, seen)});
    }
  }

  Config config_;
  long heads_;
  RelativeProjections projections_;
  Dropout site_;
};

const RegisterModel<TransformerXl> registered{
    "transformer_xl",
    {.summary = "segments that see the states of earlier segments, relative positions",
     .paper = "Dai et al. \"Transformer-XL: Attentive Language Models beyond a Fixed-Length Context.\" ACL 2019, "
              "arXiv:1901.02860",
     .complexity = "O(N (T+M))",
     .kind = "recurrence",
     .differs =
         "LRA's code does not have it. The paper's model is causal, for language modelling, and that is the setting "
         "`causal`; by default tokens see all of their own segment. Blocks are pre-norm, as for every model here, so "
         "memories are normalised states; the embedding's positions are added as well. A class token before the "
         "sequence sees the first segment only, so presets use mean pooling.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
