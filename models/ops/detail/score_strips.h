/// Interface between scores.cpp, which computes strips of scores, and score_attention.cpp, which uses them.
#pragma once

#include <algorithm>
#include <tuple>

#include "models/autodiff/tape.h"
#include "models/ops/detail/head_view.h"
#include "models/ops/scores.h"
#include "models/ops/sequence_layout.h"

namespace lra::inline LRA_ENGINE {

/// Queries first … first + rows − 1 of a sequence against keys 0 … cols − 1.
struct Strip {
  long first, rows, padded_rows, cols, padded_cols;
};

/// Calls visit(first column, padded columns) for the pieces in which n columns are multiplied.
template <typename Visit>
void by_columns(long n, Visit visit) {
  constexpr long kColumns = 256;
  for (long j = 0; j < n; j += kColumns) visit(j, tile_size(std::min(kColumns, n - j)));
}

inline View columns_of(const View& x, long first, long count) { return {x.data + first, x.rows, count, x.stride}; }

/// One kind of scores for one head of one sequence.
class HeadScores {
 public:
  HeadScores(const Scores& scores, long head_count, long begin, long n, long head);

  /// Adds the scores of a strip. Padding rows and columns are left with arbitrary values.
  void add_to(const View& strip, const Strip& at) const;

  void prepare_backward();
  /// Accumulates from the gradient ds of the scores, which is zero in padding.
  void backward(const View& ds, const Strip& at);
  /// Adds the accumulated gradients to those of the tensors, after the last strip.
  void finish_backward();

 private:
  const Real* table_row(long i) const {
    return scores_.left.data() + (head_ * scores_.left.dim(1) + i) * scores_.left.dim(2);
  }
  /// The index of `distance` in the table of distances.
  long distance_entry(long distance) const {
    const long reach = scores_.left.dim(0) / 2;
    return (std::clamp(distance, -reach, reach) + reach) * scores_.left.dim(1) + head_;
  }
  Real factor(long row, long block) const { return right_.data()[row * right_.dim(1) + block]; }
  long block_size(long block, long cols) const { return std::min(left_.dim(1), cols - block * left_.dim(1)); }

  const Scores& scores_;
  long n_, head_, left_at_, right_at_;
  Tensor left_, right_, dleft_, dright_;
};

/// Throws unless the tensors' shapes match each other, `head_count` and `layout`.
void check_scores(const Scores& scores, long head_count, const SequenceLayout& layout);

/// Operations of forward for one pair of query and key.
double flops_of_pair(const Scores& scores, long head_count);

}  // namespace lra::inline LRA_ENGINE
