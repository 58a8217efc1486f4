/// What positions add to the scores of attention: one object per head, which attention.cpp asks tile by tile.
#pragma once

#include "models/ops/detail/tile_rows.h"
#include "models/ops/detail/tiles.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

/// Adds nothing; the base of those that do.
class PositionScores {
 public:
  PositionScores() = default;
  virtual ~PositionScores() = default;
  PositionScores(const PositionScores&) = delete;
  PositionScores& operator=(const PositionScores&) = delete;

  /// The queries of the tiles that follow, padding included.
  virtual void start(ConstView) {}
  /// Adds to the scores of a tile. `first` is the position of key 0.
  virtual void add_to(View, const Tile&, long /*first*/) {}

  virtual void start_backward() {}
  /// Accumulates the gradient of a tile's scores, which is zero for invisible pairs.
  virtual void collect(ConstView, const Tile&, long /*first*/) {}
  /// Adds to the gradient of the queries, after the last tile with them.
  virtual void finish(ConstView /*queries*/, View /*d_queries*/) {}
  /// Adds to the gradients of the tensors, after the last tile of all.
  virtual void add_gradients() const {}

  /// Operations of the forward pass so far.
  virtual double flops() const { return 0; }
};

/// Labels of distance (Distances).
class LabelScores final : public PositionScores {
 public:
  LabelScores(const Distances& distances, long head, long width);
  void start(ConstView queries) override;
  void add_to(View s, const Tile& t, long first) override;
  void start_backward() override;
  void collect(ConstView ds, const Tile& t, long first) override;
  void finish(ConstView queries, View d_queries) override;
  void add_gradients() const override;
  double flops() const override { return flops_; }

 private:
  long columns() const { return tile_size(distances_.table.dim(0)); }
  ConstView labels() const { return part_of(table_, 0, columns()); }

  const Distances& distances_;
  long head_;
  Tensor table_, products_, sums_, d_table_;
  double flops_ = 0;
};

/// Scores for every distance (RelativeTable). The pairs of a tile have few distances: rows and columns together. The
/// products of all rows with all of these are the scores once each row is moved by its own distance.
class RelativeScores final : public PositionScores {
 public:
  RelativeScores(const RelativeTable& relative, long head, long width);
  void start(ConstView queries) override;
  void add_to(View s, const Tile& t, long first) override;
  void start_backward() override;
  void collect(ConstView ds, const Tile& t, long first) override;
  void finish(ConstView queries, View d_queries) override;
  void add_gradients() const override;
  double flops() const override { return flops_; }

 private:
  /// The rows of the table that a tile uses.
  struct Slice {
    long begin, count, padded;
  };
  Slice slice_of(const Tile& t, long first) const;
  /// Where the scores of row r begin among its products.
  Real* moved(const Tile& t, const Slice& slice, long r);
  View biased() { return part_of(queries_, 0, rows_); }
  View products(const Slice& slice) { return {products_.data(), rows_, slice.padded, slice.padded}; }

  const RelativeTable& relative_;
  long head_, width_, rows_ = 0;
  Tensor table_, queries_, products_;  // queries_: with the bias
  Tensor d_table_, d_bias_, d_queries_;
  double flops_ = 0;
};

}  // namespace lra::inline LRA_ENGINE
