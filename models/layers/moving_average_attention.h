/// The blocks of Mega: gated attention whose queries and keys come from a moving average of the tokens.
#pragma once

#include <string>
#include <vector>

#include "models/layers/basic.h"
#include "models/layers/encoder.h"
#include "models/layers/moving_average.h"

namespace lra::inline LRA_ENGINE {

struct MegaSettings {
  long states = 16;
  long shared = 0;
  long expand = 2;
  std::string attention = "softmax";
  bool causal = false;
  void fields(auto&& f) {
    f("states", states, "states of each feature's moving average, each with a decay of its own", between(1, 4096));
    f("shared", shared,
      "features of the representation from which queries and keys come; 0 for half of those of all heads",
      between(0, kMostOfASize));
    f("expand", expand, "features of values, in features of all heads", between(1, 16));
    f("attention", attention, "weights of keys from their scores: softmax or laplace");
    f("causal", causal, "no token sees a later one");
  }
};

/// A block whose mixer is y = x + u ∘ (ĥ − x). Ma et al. arXiv:2209.10655, §3.2 to §3.4. With x' = norm(x), its moving
/// average m, and v = SiLU(W_v x'): u = σ(W_u m), r = SiLU(W_r m), z = SiLU(W_z m), ĥ = SiLU(W_h m + U_h (r ∘ o)), and
/// o the attention of one head from q = γ_q∘z + β_q to the keys γ_k∘z + β_k within chunks of tokens, whose scores are
/// q·k, over √Z or, of laplace weights, over the number of visible keys, plus a learned number for the distance.
class MegaBlock {
 public:
  /// `model`: the name in error messages.
  MegaBlock(const std::string& model, const MegaSettings& settings, long chunk, const LayerDims& dims,
            const ParameterScope& scope);
  /// x (T,C) → (T,C).
  Tensor forward(Tensor x, const SequenceLayout& layout) const;

 private:
  /// u ∘ (ĥ − x) from x and norm(x).
  Tensor change(const Tensor& x, const Tensor& normed, const SequenceLayout& layout) const;
  Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const SequenceLayout& layout) const;

  std::string mixer_path_, feed_path_;
  bool laplace_, causal_;
  long chunk_, shared_width_;
  LayerNorm mixer_norm_;
  MovingAverage average_;
  Linear value_, shared_, reset_, update_, candidate_;
  Parameter out_, query_gamma_, query_beta_, key_gamma_, key_beta_, distances_;
  Dropout probabilities_site_, out_site_;
  LayerNorm feed_norm_;
  FeedForward feed_;
};

/// A stack of them.
class MegaBlocks : public Encoder {
 public:
  MegaBlocks(const std::string& model, const MegaSettings& settings, long chunk, const LayerDims& dims,
             const ParameterScope& scope);
  PackedSequences forward(PackedSequences tokens) const final;

 private:
  std::vector<MegaBlock> blocks_;
  LayerNorm norm_;
  std::string norm_part_;
};

}  // namespace lra::inline LRA_ENGINE
