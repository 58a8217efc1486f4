/// Long-Short Transformer: each token sees a window, and landmarks that a dynamic projection computes from the whole
/// sequence, in one softmax; window and landmarks have separate layer norms.
///
///   Zhu, Ping, Xiao, Shoeybi, Goldstein, Anandkumar, Catanzaro. "Long-Short Transformer: Efficient Transformers for
///   Language and Vision." NeurIPS 2021, §3.
///   time O(N·(r + w)·C)   memory O(N·C + N·r·H)   causal: O(N²/l·r·C)
#include "models/layers/basic.h"
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class LongShort final : public Mixer {
 public:
  struct Config {
    long landmarks = 32;
    long window = 8;
    long segment = 64;
    bool causal = false;
    void fields(auto&& f) {
      f("landmarks", landmarks, "r: rows to which the dynamic projection reduces a sequence; 0 for a window only",
        between(0, kMostOfASize));
      f("window", window, "w: tokens per block; a block sees itself and half as many tokens on each side", at_least(1));
      f("segment", segment, "l: tokens per set of landmarks if causal; a multiple of the window", at_least(1));
      f("causal", causal,
        "no token sees a later one: each segment has landmarks, which later segments see, and a block sees itself "
        "and the previous block");
    }
  };

  static Exponents exponents(const Config& config, Exponents usual) {
    if (config.causal && config.landmarks > 0) usual.operations = 2;  // the landmarks of all earlier segments
    return usual;
  }

  LongShort(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        heads_(dims.heads),
        window_norm_(scope / "window_norm", dims.qkv),
        landmark_norm_(scope / "landmark_norm", dims.qkv),
        projections_(dims, scope),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    if (config.causal && config.segment % config.window != 0)
      fail_usage("long_short: segment is {}; if causal it must be a multiple of the window, {}", config.segment,
                 config.window);
    const long c = dims.width, r = config.landmarks;
    if (r > 0) projection_ = scope.add("projection", {heads_ * r, c}, Init::xavier(c, heads_ * r));
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const Tensor k = window_norm_(linear(x, projections_.key)), v = window_norm_(linear(x, projections_.value));
    std::vector<Tensor> keys, values;  // landmarks of all sequences
    std::vector<long> order;           // indices of a sequence's keys, landmarks first, in (all landmarks; all tokens)
    SequenceLayout key_layout = layout;
    long made = 0;
    const long all = landmarks_before(layout);
    for (long s = 0; s < layout.count(); ++s) {
      const long begin = layout.begin(s), n = layout.size(s), length = config_.causal ? config_.segment : n;
      for (long at = begin; at + length <= begin + n && config_.landmarks > 0; at += length) {
        const Tensor shares = projection(rows(x, at, length));
        keys.push_back(mix_blocks(shares, rows(k, at, length), heads_, 1));
        values.push_back(mix_blocks(shares, rows(v, at, length), heads_, 1));
      }
      for (; made < long(keys.size()) * config_.landmarks; ++made) order.push_back(made);
      for (long i = begin; i < begin + n; ++i) order.push_back(all + i);
      key_layout.offsets[std::size_t(s) + 1] = long(order.size());
    }
    key_layout.length = layout.length + config_.landmarks * (layout.length / config_.segment + 1);
    const auto joined = [&](const std::vector<Tensor>& landmarks, const Tensor& tokens) {
      if (landmarks.empty()) return tokens;
      return gather_rows(concat_rows(std::vector{landmark_norm_(concat_rows(landmarks)), tokens}), order);
    };
    return linear(sparse_attention(
                      linear(std::move(x), projections_.query), joined(keys, k), joined(values, v), heads_,
                      [this, layout, key_layout](long s, long, const PartVisitor& visit) {
                        visit_parts(layout.size(s), key_layout.size(s), visit);
                      },
                      site_, layout, key_layout),
                  projections_.out);
  }

 private:
  long landmarks_before(const SequenceLayout& layout) const {
    long count = 0;
    for (long s = 0; s < layout.count(); ++s) count += config_.causal ? layout.size(s) / config_.segment : 1;
    return count * config_.landmarks;
  }

  /// x (n,C) → (r,H·n): the weight of each token in each landmark, a softmax over the tokens.
  Tensor projection(const Tensor& x) const {
    std::vector<Tensor> shares;
    for (long h = 0; h < heads_; ++h)
      shares.push_back(softmax(linear(rows(projection_, h * config_.landmarks, config_.landmarks), x)));
    return concat_columns(shares);
  }

  /// For n tokens. Keys: landmarks, then the n tokens.
  void visit_parts(long n, long keys, const PartVisitor& visit) const {
    const long w = config_.window, landmarks = keys - n;
    Window seen = Window::everything().over(1, -landmarks);
    seen.causal = config_.causal;
    const long back = config_.causal ? w : std::max(1L, w / 2), ahead = config_.causal ? 0 : back;
    for (long begin = 0; begin < n; begin += w) {
      const long known = config_.causal ? begin / config_.segment * config_.landmarks : landmarks;
      const long first = std::max(0L, begin - back);
      visit({Positions(n).add(begin, w),
             Positions(keys).add(0, known).add(landmarks + first, begin + w + ahead - first), seen});
    }
  }

  Config config_;
  long heads_;
  LayerNorm window_norm_, landmark_norm_;
  Projections projections_;
  Parameter projection_;
  Dropout site_;
};

const RegisterModel<LongShort> registered{
    "long_short",
    {.summary = "a window, and landmarks by a dynamic projection",
     .paper = "Zhu et al. \"Long-Short Transformer: Efficient Transformers for Language and Vision.\" NeurIPS 2021, "
              "arXiv:2107.02192",
     .complexity = "O(N (r + w))",
     .kind = "fixed pattern, low rank",
     .differs =
         "Not in LRA's code. The authors' code for LRA lets the class token see the finished outputs of all others; "
         "here it is a token like them. Landmarks are computed from keys and values after the window's layer norm, as "
         "in that code, and the projection has no bias, which its softmax over tokens would cancel. There is no "
         "convolution beside the attention. The authors' language model computes landmarks before that norm, lets a "
         "token see exactly the last w tokens, and has relative positions. If `causal`, time is O(N² r / l), because a "
         "token sees the r landmarks of every earlier segment of l tokens.",
     .exponent = 1,
     .head_growth = true,
     .causal = true}};

}  // namespace
}  // namespace lra
