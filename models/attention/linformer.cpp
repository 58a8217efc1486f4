/// Linformer: keys and values are projected along the sequence to k rows.
///
///   Wang, Li, Khabsa, Fang, Ma. "Linformer: Self-Attention with Linear Complexity." arXiv:2006.04768, 2020, §4.
///   time O(N·k·C)   memory O(N·C)   E, F (length,k), by default one for all heads of a layer; a sequence of n tokens
///   uses n rows
#include <cmath>

#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Linformer final : public Attention {
 public:
  struct Config {
    long k = 256;
    std::string projection = "learned";
    bool share = true;
    bool share_heads = true;
    bool share_layers = false;
    void fields(auto&& f) {
      f("k", k, "rows to which keys and values are projected", between(1, kMostOfASize));
      f("projection", projection,
        "learned: a matrix; mean or convolution: of groups of length / k tokens, the latter with learned weights");
      f("share", share, "one projection for keys and values");
      f("share_heads", share_heads, "one projection for all heads; with projection learned");
      f("share_layers", share_layers, "one projection for all layers");
    }
  };

  Linformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        config_(config),
        group_((dims.length + config.k - 1) / config.k),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    const bool learned = config.projection == "learned";
    if (!learned && config.projection != "mean" && config.projection != "convolution")
      fail_usage("linformer: projection is '{}'; it must be learned, mean or convolution", config.projection);
    if (!learned && !config.share_heads)
      fail_usage("linformer: share_heads is false; that needs the projection learned, not {}", config.projection);
    if (config.projection == "mean") return;
    const Shape shape =
        learned ? Shape{dims.length, config.k * (config.share_heads ? 1 : dims.heads)} : Shape{1, group_};
    const Init init =
        learned ? Init::xavier(dims.length, config.k) : Init{Init::Kind::uniform, 1 / std::sqrt(double(group_))};
    const auto add = [&](const std::string& name) {
      return config.share_layers ? scope.shared(name, shape, init) : scope.add(name, shape, init);
    };
    e_ = add("key_rows");
    f_ = config.share ? e_ : add("value_rows");
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    SequenceLayout projected = layout;
    projected.length = config_.k;
    std::vector<Tensor> keys, values;
    for (long s = 0; s < layout.count(); ++s) {
      const long begin = layout.begin(s), n = layout.size(s);
      keys.push_back(project(rows(k, begin, n), e_));
      values.push_back(project(rows(v, begin, n), f_));
      projected.offsets[std::size_t(s) + 1] = projected.begin(s) + keys.back().dim(0);
    }
    return softmax_attention(q, concat_rows(keys), concat_rows(values), dims().heads, Window::everything(), site_,
                             layout, projected);
  }

  /// Projects the keys or values of one sequence.
  Tensor project(const Tensor& x, const Parameter& e) const {
    if (config_.projection == "mean") return mean_rows(x, groups(x.dim(0)));
    if (config_.projection == "convolution") return filtered(x, e);
    const Tensor matrix = rows(e, 0, x.dim(0));
    if (config_.share_heads) return matmul(transposed(matrix), x);
    return merge_heads(matmul(transposed(heads(matrix, dims().heads)), heads(x, dims().heads)));
  }

  /// The groups of n tokens.
  SequenceLayout groups(long n) const {
    SequenceLayout all;
    all.offsets = {0};
    for (long begin = 0; begin < n; begin += group_) all.offsets.push_back(std::min(begin + group_, n));
    return all;
  }

  /// The sum of each group of tokens, weighted by the filter.
  Tensor filtered(const Tensor& x, const Parameter& filter) const {
    const long n = x.dim(0), count = groups(n).count();
    std::vector<long> tokens;
    for (long i = 0; i < count * group_; ++i) tokens.push_back(i < n ? i : -1);
    return weighted_rows(gather_rows(filter, std::vector<long>(std::size_t(count), 0)), x, std::move(tokens));
  }

  Config config_;
  long group_;  // tokens per group
  Parameter e_, f_;
  Dropout site_;
};

const RegisterModel<Linformer> registered{
    "linformer",
    {.summary = "keys and values projected to k rows",
     .paper = "Wang et al. \"Linformer: Self-Attention with Linear Complexity.\" 2020, arXiv:2006.04768",
     .complexity = "O(N k)",
     .kind = "low rank",
     .differs =
         "LRA's code uses k = 16 with one map for keys and values, which is this model's setting in the lra presets, "
         "and also projects padding; here there is no padding. By default projections are shared as in the paper's "
         "key-value sharing; `share`, `share_heads` and `share_layers` give its other ways, and Nyströmformer's, whose "
         "code shares a matrix per head between keys, values and layers. The paper does not say how its convolution "
         "treats features; here all have the same filter.",
     .exponent = 1,
     .head_growth = true,
     .fixed_length = true}};

}  // namespace
}  // namespace lra
