/// Image Transformer: a block of queries sees itself and the tokens around it, in one or two dimensions.
///
///   Parmar, Vaswani, Uszkoreit, Kaiser, Shazeer, Ku, Tran. "Image Transformer." ICML 2018, §3.2 and §3.3.
///   time O(N·m·C), m = (h + 2h')·(w + 2w') tokens in the memory of a block of h·w   memory O(N·C)
#include "models/layers/grid.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class ImageTransformer final : public Attention {
 public:
  struct Config {
    bool flat = false;
    long block_height = 8, block_width = 8;
    long memory_height = 8, memory_width = 8;
    bool causal = false;
    void fields(auto&& f) {
      f("flat", flat,
        "1-D local: blocks of block_height · block_width consecutive tokens, and memory_height · memory_width on each "
        "side");
      f("block_height", block_height, "rows per block", at_least(1));
      f("block_width", block_width, "columns per block", at_least(1));
      f("memory_height", memory_height, "rows seen above and below a block", at_least(0));
      f("memory_width", memory_width, "columns seen to the left and right of a block", at_least(0));
      f("causal", causal, "no token sees a later one");
    }
  };

  ImageTransformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        grid_(Grid::of(dims)),
        block_{config.block_height, config.block_width},
        memory_{config.memory_height, config.memory_width},
        site_(scope.dropout("probabilities", dims.attention_dropout)) {
    if (config.flat) {
      grid_.width = dims.length;
      block_ = {1, std::min(config.block_height * config.block_width, dims.length)};
      memory_ = {0, std::min(config.memory_height * config.memory_width, dims.length)};
    }
    window_.causal = config.causal;
  }

 private:
  struct Size {
    long height, width;
  };

  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    return sparse_attention(
        q, k, v, dims().heads,
        [this, layout](long s, long, const PartVisitor& visit) { visit_parts(layout.size(s), visit); }, site_, layout,
        layout);
  }

  void visit_parts(long n, const PartVisitor& visit) const {
    const Positions cls = Positions(n).add(0, grid_.first);
    if (!cls.empty()) visit({cls, Positions::all(n), window_});
    for (long top = 0; top < grid_.rows(n); top += block_.height)
      for (long left = 0; left < grid_.width; left += block_.width) {
        const Positions queries = with_cells(Positions(n), n, top, left, block_);
        const Size seen = {block_.height + 2 * memory_.height, block_.width + 2 * memory_.width};
        if (!queries.empty())
          visit({queries, with_cells(cls, n, top - memory_.height, left - memory_.width, seen), window_});
      }
  }

  /// `positions` plus the cells of a rectangle that lie on the grid.
  Positions with_cells(Positions positions, long n, long top, long left, const Size& size) const {
    const long begin = std::max(0L, left), end = std::min(grid_.width, left + size.width);
    for (long row = std::max(0L, top); row < std::min(grid_.rows(n), top + size.height); ++row)
      positions.add(grid_.first + row * grid_.width + begin, end - begin);
    return positions;
  }

  Grid grid_;
  Size block_, memory_;
  Window window_;
  Dropout site_;
};

const RegisterModel<ImageTransformer> registered{
    "image_transformer",
    {.summary = "blocks of an image see themselves and their surroundings",
     .paper = "Parmar et al. \"Image Transformer.\" ICML 2018, arXiv:1802.05751",
     .complexity = "O(N m)",
     .kind = "fixed pattern",
     .differs =
         "Not in LRA's code. The paper generates images block by block, each pixel seeing earlier ones; here a block "
         "sees all sides unless `causal` is set, which uses the order of the sequence, row by row. Sequences "
         "without an image are laid out on a square grid, and a class token before an image sees all and is seen by "
         "all.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
