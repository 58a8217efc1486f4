/// Axial attention: each token sees its row or its column, so that two layers connect the whole grid.
///
///   Ho, Kalchbrenner, Weissenborn, Salimans. "Axial Attention in Multidimensional Transformers." arXiv:1912.12180,
///   2019, §3.
///   time O(N·√N·C) on a square grid   memory O(N·C)
#include "models/layers/grid.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

/// Attention along one axis, with its own projections.
class Axis final : public Attention {
 public:
  Axis(bool columns, bool causal, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        columns_(columns),
        grid_(Grid::of(dims)),
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    window_.causal = causal;
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    return sparse_attention(
        q, k, v, dims().heads,
        [this, layout](long s, long, const PartVisitor& visit) { visit_parts(layout.size(s), visit); }, site_, layout,
        layout);
  }

  void visit_parts(long n, const PartVisitor& visit) const {
    const Positions cls = Positions(n).add(0, grid_.first);
    if (!cls.empty()) visit({cls, Positions::all(n), window_});
    const long width = grid_.width, rows = grid_.rows(n);
    for (long line = 0; line < (columns_ ? std::min(width, n - grid_.first) : rows); ++line) {
      const auto cells = [&](Positions positions) {
        return columns_ ? positions.add(grid_.first + line, rows, width)
                        : positions.add(grid_.first + line * width, width);
      };
      visit({cells(Positions(n)), cells(cls), window_});
    }
  }

  bool columns_;
  Grid grid_;
  Window window_;
  Dropout site_;
};

class Axial final : public Mixer {
 public:
  struct Config {
    bool both = false;
    bool causal = false;
    void fields(auto&& f) {
      f("both", both,
        "every layer adds attention along both axes; otherwise layers alternate between rows and columns");
      f("causal", causal, "no token sees a later one of its row or column");
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    return config.both || dims.layers > 1 ? "" : "attention along columns";
  }

  Axial(const Config& config, const LayerDims& dims, const ParameterScope& scope) {
    for (const bool columns : {false, true})
      if (config.both || columns == (dims.layer % 2 == 1))
        axes_.push_back(std::make_unique<Axis>(columns, config.causal, dims,
                                               config.both ? scope / (columns ? "columns" : "rows") : scope));
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    Tensor y = axes_.front()->forward(x, layout);
    return axes_.size() == 1 ? y : add(std::move(y), axes_.back()->forward(std::move(x), layout));
  }

 private:
  std::vector<std::unique_ptr<Axis>> axes_;
};

const RegisterModel<Axial> registered{
    "axial",
    {.summary = "each token sees its row or its column",
     .paper = "Ho et al. \"Axial Attention in Multidimensional Transformers.\" 2019, arXiv:1912.12180",
     .complexity = "O(N √N)",
     .kind = "fixed pattern",
     .differs =
         "Not in LRA's code. The paper's decoder shifts rows and sees those above without a mask, so that "
         "each pixel depends on all before it; here `causal` masks rows and columns, and layers reach only what is "
         "above and to the left. Sequences without an image are laid out on a square grid, positions are the "
         "encoder's, and a class token before an image sees all and is seen by all.",
     .exponent = 1.5,
     .causal = true}};

}  // namespace
}  // namespace lra
