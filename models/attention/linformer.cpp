/// Linformer: keys and values are projected along the sequence to k rows.
///
///   Wang, Li, Khabsa, Fang, Ma. "Linformer: Self-Attention with Linear Complexity." arXiv:2006.04768, 2020, §4.
///   time O(N·k·C)   memory O(N·C)   E, F (length,k), shared by the heads of a layer; a sequence of n tokens uses n
///   rows
#include "models/layers/mixer.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Linformer final : public Attention {
 public:
  struct Config {
    long k = 256;
    bool share = true;
    void fields(auto&& f) {
      f("k", k, "rows to which keys and values are projected", between(1, kMostOfASize));
      f("share", share, "one projection for keys and values");
    }
  };

  Linformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope), k_(config.k), site_(scope.dropout("probabilities", dims.attention_dropout)) {
    const Init init = Init::xavier(dims.length, config.k);
    e_ = scope.add("key_rows", {dims.length, config.k}, init);
    f_ = config.share ? e_ : scope.add("value_rows", {dims.length, config.k}, init);
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    SequenceLayout projected = layout;
    projected.length = k_;
    std::vector<Tensor> keys, values;
    for (long s = 0; s < layout.count(); ++s) {
      const long begin = layout.begin(s), n = layout.size(s);
      keys.push_back(matmul(transposed(rows(e_, 0, n)), rows(k, begin, n)));    // (k,C)
      values.push_back(matmul(transposed(rows(f_, 0, n)), rows(v, begin, n)));  // (k,C)
      projected.offsets[std::size_t(s) + 1] = (s + 1) * k_;
    }
    return softmax_attention(q, concat_rows(keys), concat_rows(values), dims().heads, Window::everything(), site_,
                             layout, projected);
  }

  long k_;
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
         "and also projects padding; here there is no padding.",
     .exponent = 1,
     .fixed_length = true}};

}  // namespace
}  // namespace lra
