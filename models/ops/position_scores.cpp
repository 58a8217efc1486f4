#include "models/ops/detail/position_scores.h"

#include "core/error.h"

namespace lra::inline LRA_ENGINE {
namespace {

Real* row(Tensor& x, long r) { return x.data() + r * x.dim(1); }

/// Calls f(row of the tile, column, label) for every visible pair.
template <typename F>
void for_each_label(const Distances& distances, const Tile& t, F f) {
  for (std::size_t r = 0; r < t.queries.size(); ++r)
    for (long c = t.begin[r]; c < t.end[r]; ++c) f(long(r), c, distances.label(t.queries[r], t.keys[std::size_t(c)]));
}

}  // namespace

LabelScores::LabelScores(const Distances& distances, long head, long width)
    : distances_(distances),
      head_(head),
      table_(padded_head(distances.table, 0, distances.table.dim(0), head, width)),
      products_(Tensor::empty({kQueryTile, columns()})) {}

void LabelScores::start(ConstView queries) {
  kernels::gemm_tile(queries, false, labels(), true, part_of(products_, 0, queries.rows));
}

void LabelScores::add_to(View s, const Tile& t, long) {
  if (t.first_of_row) flops_ += 2 * double(t.queries.size()) * double(table_.dim(1)) * double(distances_.table.dim(0));
  for_each_label(distances_, t,
                 [&](long r, long c, long label) { s.data[r * s.stride + c] += row(products_, r)[label]; });
}

void LabelScores::start_backward() {
  sums_ = Tensor::empty(products_.shape());
  d_table_ = Tensor::zeros(table_.shape());
}

void LabelScores::collect(ConstView ds, const Tile& t, long) {
  if (t.first_of_row) kernels::fill(sums_.data(), sums_.size(), 0);
  for_each_label(distances_, t,
                 [&](long r, long c, long label) { row(sums_, r)[label] += ds.data[r * ds.stride + c]; });
}

void LabelScores::finish(ConstView queries, View d_queries) {
  const ConstView sums = part_of(std::as_const(sums_), 0, queries.rows);
  kernels::gemm_tile(sums, true, queries, false, part_of(d_table_, 0, columns()), true);
  kernels::gemm_tile(sums, false, labels(), false, d_queries, true);
}

void LabelScores::add_gradients() const {
  Tensor place = zeroed_gradient_sink(distances_.table);
  add_to_head(d_table_, place, 0, place.dim(0), head_);
}

RelativeScores::RelativeScores(const RelativeTable& relative, long head, long width)
    : relative_(relative),
      head_(head),
      width_(width),
      table_(padded_head(relative.table, 0, relative.table.dim(0), head, width)),
      queries_(Tensor::empty({kQueryTile, width})),
      products_(Tensor::empty({kQueryTile, tile_size(kKeyTile + relative.query_step * (kQueryTile - 1))})) {}

void RelativeScores::start(ConstView queries) {
  rows_ = queries.rows;
  kernels::copy_rows(queries, biased());
  kernels::add_row(relative_.bias.data() + head_ * width_, biased());
}

RelativeScores::Slice RelativeScores::slice_of(const Tile& t, long first) const {
  if (!consecutive(t.queries) || !consecutive(t.keys))
    fail("[relative_attention] relative positions with keys or queries that are not consecutive");
  const long begin = relative_.zero + first + t.keys.front() - relative_.query_step * t.queries.back();
  const long count = long(t.keys.size()) + relative_.query_step * (long(t.queries.size()) - 1);
  if (begin < 0 || begin + count > relative_.table.dim(0))
    fail("[relative_attention] the table {} with distance 0 in row {} has no distances {} to {}",
         relative_.table.shape().text(), relative_.zero, begin - relative_.zero, begin + count - 1 - relative_.zero);
  return {begin, count, tile_size(count)};
}

Real* RelativeScores::moved(const Tile& t, const Slice& slice, long r) {
  return products_.data() + r * slice.padded + relative_.query_step * (long(t.queries.size()) - 1 - r);
}

void RelativeScores::add_to(View s, const Tile& t, long first) {
  const Slice slice = slice_of(t, first);
  kernels::gemm_tile(biased(), false, part_of(std::as_const(table_), slice.begin, slice.padded), true, products(slice));
  const long cols = long(t.keys.size());
  for (long r = 0; r < long(t.queries.size()); ++r) kernels::add(moved(t, slice, r), s.data + r * s.stride, cols);
  flops_ += 2 * double(t.queries.size()) * double(width_) * double(slice.count);
}

void RelativeScores::start_backward() {
  d_table_ = Tensor::zeros(table_.shape());
  d_bias_ = Tensor::zeros({width_});
  d_queries_ = Tensor::empty(queries_.shape());
}

void RelativeScores::collect(ConstView ds, const Tile& t, long first) {
  const Slice slice = slice_of(t, first);
  kernels::fill(products_.data(), rows_ * slice.padded, 0);
  const long cols = long(t.keys.size());
  for (long r = 0; r < long(t.queries.size()); ++r) kernels::copy(ds.data + r * ds.stride, moved(t, slice, r), cols);
  kernels::gemm_tile(products(slice), true, biased(), false, part_of(d_table_, slice.begin, slice.padded), true);
  kernels::gemm_tile(products(slice), false, part_of(std::as_const(table_), slice.begin, slice.padded), false,
                     part_of(d_queries_, 0, rows_), !t.first_of_row);
}

void RelativeScores::finish(ConstView, View d_queries) {
  const ConstView sums = part_of(std::as_const(d_queries_), 0, rows_);
  kernels::add_rows(sums, d_queries);
  kernels::add_column_sums(sums, d_bias_.data());
}

void RelativeScores::add_gradients() const {
  Tensor table = zeroed_gradient_sink(relative_.table), bias = zeroed_gradient_sink(relative_.bias);
  add_to_head(d_table_, table, 0, table.dim(0), head_);
  kernels::add(d_bias_.data(), bias.data() + head_ * width_, width_);
}

}  // namespace lra::inline LRA_ENGINE
