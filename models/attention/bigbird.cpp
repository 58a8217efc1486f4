/// Big Bird: each block of tokens sees its neighbours, a few random blocks, and the global tokens, which see all and
/// are seen by all.
///
///   Zaheer, Guruganesh, Dubey, Ainslie, Alberti, Ontanon, Pham, Ravula, Wang, Yang, Ahmed. "Big Bird: Transformers for
///   Longer Sequences." NeurIPS 2020, §2 and appendix D.
///   time O(N·b·(w + r + 2)·C)   memory O(N·C)   a key selected by several rules counts once
#include <set>

#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class BigBird final : public Attention {
 public:
  struct Config {
    long block = 64;
    long window = 3;
    long random = 3;
    long global_tokens = 0;
    void fields(auto&& f) {
      f("block", block, "tokens per block", at_least(1));
      f("window", window, "blocks in the window, centred on the query's block", at_least(1));
      f("random", random, "random blocks for each block and head, chosen once", between(0, kMostOfASize));
      f("global_tokens", global_tokens,
        "0: the first and the last block are global (ITC); otherwise this many leading tokens are (ETC), the first "
        "being the extra one of cls pooling",
        at_least(0));
    }
  };

  BigBird(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        config_(config),
        choice_(scope.random("pattern", "blocks")),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    if (config.window % 2 == 0) fail_usage("bigbird: window is {}; it must be an odd number of blocks", config.window);
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    return sparse_attention(
        q, k, v, dims().heads,
        [this, layout](long s, long head, const PartVisitor& visit) { visit_parts(layout.size(s), head, visit); },
        site_, layout, layout);
  }

  void visit_parts(long n, long head, const PartVisitor& visit) const {
    const long b = config_.block, count = (n + b - 1) / b;
    const bool internal = config_.global_tokens == 0;
    Positions global(n);
    if (internal)
      global.add(0, b).add((count - 1) * b, b);
    else
      global.add(0, config_.global_tokens);
    visit({global, Positions::all(n)});
    for (long i = internal ? 1 : 0; i < (internal ? count - 1 : count); ++i) {
      const long first = std::max(i * b, config_.global_tokens);
      Positions keys(n);
      if (!internal) keys.add(0, config_.global_tokens);
      for (const long block : seen_by(i, count, head)) keys.add(block * b, b);
      visit({Positions(n).add(first, (i + 1) * b - first), keys});
    }
  }

  /// The blocks, out of `count`, that block i sees.
  std::set<long> seen_by(long i, long count, long head) const {
    std::set<long> blocks;
    if (config_.global_tokens == 0) blocks = {0, count - 1};
    const long side = config_.window / 2;
    for (long j = std::max(0L, i - side); j <= std::min(count - 1, i + side); ++j) blocks.insert(j);
    for (long r = 0; r < config_.random && long(blocks.size()) < count; ++r) {
      const std::uint64_t element = std::uint64_t((i * dims().heads + head) * config_.random + r);
      long pick = long(choice_.below(std::uint32_t(count - long(blocks.size())), element));
      for (const long taken : blocks) pick += taken <= pick;  // the pick-th of the remaining blocks
      blocks.insert(pick);
    }
    return blocks;
  }

  Config config_;
  Random choice_;
  Dropout site_;
};

const RegisterModel<BigBird> registered{
    "bigbird",
    {.summary = "a window of blocks, global blocks, random blocks",
     .paper = "Zaheer et al. \"Big Bird: Transformers for Longer Sequences.\" NeurIPS 2020, arXiv:2007.14062",
     .complexity = "O(N b)",
     .kind = "fixed pattern, memory",
     .differs =
         "LRA's code draws random blocks among the first 1,024 positions only, appends a whole block of padding that "
         "counts as tokens, and masks with −10⁴; its original counts some keys twice near the ends. Here "
         "random blocks come from the whole sequence and depend on the model's seed, and each key counts once.",
     .exponent = 1}};

}  // namespace
}  // namespace lra
