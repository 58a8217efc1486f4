/// Transformer-XL: the sequence is divided into segments, each of which also sees the states of earlier segments,
/// without gradient.
///
///   Dai, Yang, Yang, Carbonell, Le, Salakhutdinov. "Transformer-XL: Attentive Language Models beyond a Fixed-Length
///   Context." ACL 2019, §3.
///   time O(N·(T+M)·C)   memory O(N·C)   segments of T tokens, memories of M
#include <algorithm>

#include "models/layers/segments.h"

namespace lra {
namespace {

class TransformerXl final : public SegmentRecurrence {
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
      : SegmentRecurrence(config.segment, config.causal, dims, scope), memory_(config.memory) {}

 private:
  Memory memory(long begin) const override { return {.recent = std::min(memory_, begin)}; }

  long memory_;
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
         "`causal`; by default tokens see all of their own segment. Blocks are pre-norm, as for every model here and "
         "as an option of the authors' code; the paper's are post-norm. The embedding's positions are added as well. A "
         "class token before the sequence sees the first segment only, so presets use mean pooling.",
     .exponent = 1,
     .causal = true,
     .revision = 2}};

}  // namespace
}  // namespace lra
