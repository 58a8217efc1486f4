/// Sparse Transformer: each token sees its neighbourhood and a regular sample of everything else, so that two steps
/// reach every token.
///
///   Child, Gray, Radford, Sutskever. "Generating Long Sequences with Sparse Transformers." arXiv:1904.10509, 2019, §4.
///   time O(N·(l + N·c/l)·C) fixed, O(N·(l + N/l)·C) strided: O(N√N·C) at l = √N   memory O(N·C)
///   The paper's patterns are causal; without `causal` the same sets are taken on both sides.
#include <cmath>

#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Sparse final : public Attention {
 public:
  struct Config {
    std::string pattern = "fixed";
    std::string join = "merged";
    long block = 0;
    long summary = 8;
    bool spread = false;
    bool causal = false;
    void fields(auto&& f) {
      f("pattern", pattern,
        "fixed: the token's block and each block's last tokens; strided: the previous tokens and every l-th token");
      f("join", join, "the two sets of keys: merged in one softmax, or alternating between layers or heads");
      f("block", block, "l: tokens per block, or the stride; 0 for the square root of the task's length", at_least(0));
      f("summary", summary,
        "c: tokens at a block's end that all tokens see (fixed); at most a block, or half a block if block is 0",
        at_least(1));
      f("spread", spread, "each head uses different c tokens of a block as the summary (fixed)");
      f("causal", causal, "no token sees a later one");
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    const bool both = config.join == "merged" || (config.join == "layers" ? dims.layers : dims.heads) > 1;
    return both ? "" : "attention to the sample of the rest";
  }

  Sparse(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        config_(config),
        block_(config.block),
        summary_(config.summary),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    if (config.pattern != "fixed" && config.pattern != "strided")
      fail_usage("sparse: pattern is '{}'; it may be fixed or strided", config.pattern);
    if (config.join != "merged" && config.join != "layers" && config.join != "heads")
      fail_usage("sparse: join is '{}'; it may be merged, layers or heads", config.join);
    if (block_ == 0) {
      block_ = std::max(1L, std::lround(std::sqrt(double(dims.length))));
      summary_ = std::min(summary_, std::max(1L, block_ / 2));
    }
    summary_ = std::min(summary_, block_);
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    return sparse_attention(
        q, k, v, dims().heads,
        [this, layout](long s, long head, const PartVisitor& visit) {
          const long turn = config_.join == "layers" ? dims().layer : head;
          const bool merged = config_.join == "merged";
          const bool near = merged || turn % 2 == 0, far = merged || turn % 2 == 1;
          config_.pattern == "fixed" ? fixed(layout.size(s), head, near, far, visit)
                                     : strided(layout.size(s), near, far, visit);
        },
        site_, layout, layout);
  }

  Window limited(Window window) const {
    window.causal = config_.causal;
    return window;
  }

  /// near: the token's block. far: the last c tokens of every block, or with `spread` the c tokens before them for the
  /// second head, and so on; also the last c tokens of the sequence, because other blocks would otherwise not see an
  /// incomplete last block.
  void fixed(long n, long head, bool near, bool far, const PartVisitor& visit) const {
    const Window own = Window::blocks(block_);
    if (near) visit({Positions::all(n), Positions::all(n), limited(own)});
    if (!far) return;
    const long end = block_ - (config_.spread ? head % (block_ / summary_) * summary_ : 0);
    Positions summary(n);
    for (long begin = 0; begin < n; begin += block_) summary.add(begin + end - summary_, summary_);
    if (!config_.causal && n % block_ > 0) summary.add(n - summary_, summary_);
    visit({Positions::all(n), summary, limited(Window::everything()), near ? own : Window::nothing()});
  }

  /// near: fewer than l tokens away. far: a multiple of l away.
  void strided(long n, bool near, bool far, const PartVisitor& visit) const {
    const Window band = Window::band(block_ - 1, block_ - 1);
    if (near) visit({Positions::all(n), Positions::all(n), limited(band)});
    for (long r = 0; far && r < std::min(block_, n); ++r) {
      const Positions column = Positions(n).add(r, n, block_);
      visit({column, column, limited(Window::everything()), near ? band : Window::nothing()});
    }
  }

  Config config_;
  long block_, summary_;
  Dropout site_;
};

const RegisterModel<Sparse> registered{
    "sparse",
    {.summary = "a neighbourhood and a regular sample of the rest",
     .paper = "Child et al. \"Generating Long Sequences with Sparse Transformers.\" 2019, arXiv:1904.10509",
     .complexity = "O(N √N)",
     .kind = "fixed pattern",
     .differs =
         "LRA's code merges the two causal patterns, so its classifier reads from left to right, and computes all N×N "
         "scores before masking; here tokens see both sides unless `causal` is set, and only visible scores are "
         "computed. The paper's attention embeddings (of rows, columns or positions in a block) and its initial "
         "weights, smaller by 1/√(2L) where a sublayer of L layers ends, are not here: embedding and initial weights "
         "are those of every model.",
     .exponent = 1.5,
     .causal = true}};

}  // namespace
}  // namespace lra
