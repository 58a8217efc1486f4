/// Cases of matrix products, gathering and reshaping, ops along the sequence and ops on whole matrices.
#include "models/ops/dplr_filters.h"
#include "models/testing/op_entries.h"

namespace lra::inline LRA_ENGINE {

std::vector<Entry> product_cases() {
  return {
      {{"linear", {{7, 5}, {3, 5}, {3}}}, [](const Inputs& x) { return linear(x[0], x[1], x[2]); }},
      {{"linear without bias, many rows", {{300, 17}, {33, 17}}}, [](const Inputs& x) { return linear(x[0], x[1]); }},
      {{"linear used twice", {{4, 6}, {6, 6}}}, [](const Inputs& x) { return linear(linear(x[0], x[1]), x[1]); }},
      {{"matmul", {{3, 4}, {4, 5}}}, [](const Inputs& x) { return matmul(x[0], x[1]); }},
      {{"matmul transposed left", {{600, 4}, {600, 5}}},
       [](const Inputs& x) { return matmul(transposed(x[0]), x[1]); }},
      {{"matmul transposed right", {{3, 4}, {5, 4}}}, [](const Inputs& x) { return matmul(x[0], transposed(x[1])); }},
      {{"matmul over heads", {{7, 6}, {7, 6}}},
       [](const Inputs& x) {  // (H,N,D)·(H,D,N)·(H,N,D), merged
         return merge_heads(matmul(matmul(heads(x[0], 2), transposed(heads(x[1], 2))), heads(x[0], 2)));
       }},
      {{"matmul with a shared factor", {{7, 6}, {3, 3}}},
       [](const Inputs& x) { return merge_heads(matmul(heads(x[0], 2), x[1])); }},
      {{"matmul of a shared factor", {{2, 7}, {7, 6}}}, [](const Inputs& x) { return matmul(x[0], heads(x[1], 3)); }},
  };
}

std::vector<Entry> token_cases() {
  static const std::vector<std::int32_t> ids = {2, 0, 2, 3};
  return {
      {{"embedding", {{4, 3}}}, [](const Inputs& x) { return embedding(ids, x[0]); }},
      {{"add_positions", {{15, 3}, {11, 3}}}, [](const Inputs& x) { return add_positions(x[0], x[1], ragged()); }},
      {{"prepend", {{3}, {12, 3}}}, [](const Inputs& x) { return prepend(x[0], x[1], ragged()); }},
      {{"first_rows", {{15, 3}}}, [](const Inputs& x) { return first_rows(x[0], ragged()); }},
      {{"mean_rows", {{15, 3}}}, [](const Inputs& x) { return mean_rows(x[0], ragged()); }},
      {{"pool_rows", {{15, 3}, {9, 3}}}, [](const Inputs& x) { return pool_rows(x[0], x[1], 3, 2, ragged()); }},
      {{"pool_rows, apart", {{15, 3}, {6, 1}}}, [](const Inputs& x) { return pool_rows(x[0], x[1], 1, 4, ragged()); }},
      {{"pool_rows, means", {{15, 3}}}, [](const Inputs& x) { return pool_rows(x[0], {}, 5, 3, ragged()); }},
      {{"pool_maxima", {{15, 3}}}, [](const Inputs& x) { return pool_maxima(x[0], 5, 3, ragged()); }},
      {{"every_other_row", {{6, 3}}},
       [](const Inputs& x) { return add(every_other_row(x[0], 0), scale(every_other_row(x[0], 1), 2)); }},
      {{"rows", {{6, 3}}}, [](const Inputs& x) { return add(rows(x[0], 1, 2), rows(x[0], 2, 2)); }},
      {{"gather_rows", {{5, 3}}},
       [](const Inputs& x) {
         return gather_rows(x[0], {4, 0, 4, 1, 1, 4});
       }},
      {{"gather_rows, zeros between", {{5, 3}}},
       [](const Inputs& x) {
         return gather_rows(x[0], {-1, 4, 0, -1, 4});
       }},
      {{"take_along_axis", {{3, 5}}},
       [](const Inputs& x) {
         return take_along_axis(x[0], {4, 0, 2, 2, 1, 4});
       }},
      {{"weighted_rows", {{3, 2}, {4, 5}}},
       [](const Inputs& x) {
         return weighted_rows(x[0], x[1], {3, 0, -1, 3, 3, 3});
       }},
      {{"weighted_rows of nothing", {{2, 1}, {3, 5}}},
       [](const Inputs& x) {
         return weighted_rows(x[0], x[1], {-1, -1});
       }},
      {{"gathered_dot", {{3, 5}, {4, 5}}},
       [](const Inputs& x) {
         return gathered_dot(x[0], x[1], {3, 0, 1, 3, 3, 3});
       }},
      {{"reshaped", {{6, 5}}}, [](const Inputs& x) { return reshaped(x[0], 10); }},
      {{"concat_rows", {{2, 3}, {4, 3}}}, [](const Inputs& x) { return concat_rows(x); }},
      {{"head_columns", {{3, 10}}}, [](const Inputs& x) { return head_columns(x[0], 2, 1, 3); }},
      {{"concat_columns", {{3, 2}, {3, 4}}}, [](const Inputs& x) { return concat_columns(x); }},
  };
}

namespace {

/// Rates of different size whose real parts are negative.
Tensor decaying(const Tensor& x) {
  const Tensor real = head_columns(x, 1, 0, x.dim(1) / 2), imaginary = head_columns(x, 1, x.dim(1) / 2, x.dim(1) / 2);
  return concat_columns(std::vector{scale(softplus(real), -0.1), imaginary});
}

}  // namespace

std::vector<Entry> sequence_cases() {
  return {
      {{"depthwise_convolution", {{15, 6}, {2, 5}}},
       [](const Inputs& x) { return depthwise_convolution(x[0], x[1], ragged()); }},
      {{"depthwise_convolution, longer than the sequence", {{15, 6}, {6, 31}}},
       [](const Inputs& x) { return depthwise_convolution(x[0], x[1], ragged()); }},
      {{"depthwise_convolution of one tap", {{15, 6}, {3, 1}}},
       [](const Inputs& x) { return depthwise_convolution(x[0], x[1], ragged()); }},
      {{"depthwise_convolution, causal", {{15, 6}, {2, 4}}},
       [](const Inputs& x) { return depthwise_convolution(x[0], x[1], ragged(), true); }},
      {{"depthwise_convolution, causal, longer than the sequence", {{15, 6}, {6, 31}}},
       [](const Inputs& x) { return depthwise_convolution(x[0], x[1], ragged(), true); }},
      {{"rotary", {{15, 8}}}, [](const Inputs& x) { return rotary(x[0], 2, ragged()); }},
      {{"rotary, odd widths", {{15, 6}}}, [](const Inputs& x) { return rotary(x[0], 2, ragged()); }},
      {{"long_convolution", {{15, 6}, {9, 6}, {9, 6}}},
       [](const Inputs& x) { return long_convolution(x[0], x[1], x[2], ragged()); }},
      {{"long_convolution, causal, longer than the sequence", {{15, 6}, {12, 6}}},
       [](const Inputs& x) { return long_convolution(x[0], x[1], {}, ragged()); }},
      {{"long_convolution, one filter in both directions", {{530, 3}, {260, 3}}},
       [](const Inputs& x) { return long_convolution(x[0], x[1], x[1], several_tiles()); }},
      {{"long_convolution of one tensor", {{9, 19}}},
       [](const Inputs& x) { return long_convolution(x[0], x[0], x[0], single(9, 9)); }},
      {{"state_space_filters, zoh", {{3, 8}, {3, 1}, {3, 8}}},
       [](const Inputs& x) { return state_space_filters(decaying(x[0]), x[1], x[2], Discretisation::zoh, 150); }},
      {{"state_space_filters, bilinear, two filters per rate", {{3, 8}, {3, 1}, {6, 8}}},
       [](const Inputs& x) { return state_space_filters(decaying(x[0]), x[1], x[2], Discretisation::bilinear, 64); }},
      {{"state_space_filters, softmax", {{3, 8}, {3, 1}, {6, 8}}},
       [](const Inputs& x) {
         return state_space_filters(decaying(x[0]), x[1], x[2], Discretisation::softmax, 100, 130);
       }},
      {{"state_space_filters of many columns and one tap", {{17, 2}, {17, 1}, {17, 2}}},
       [](const Inputs& x) { return state_space_filters(decaying(x[0]), x[1], x[2], Discretisation::zoh, 1); }},
      {{"dplr_filters", {{3, 8}, {3, 8}, {3, 8}, {3, 1}, {3, 8}}},
       [](const Inputs& x) { return dplr_filters(decaying(x[0]), x[1], x[2], x[3], x[4], 150); }},
      {{"dplr_filters, two filters per state space", {{4, 2}, {4, 2}, {4, 2}, {4, 1}, {8, 2}}},
       [](const Inputs& x) { return dplr_filters(decaying(x[0]), x[1], x[2], x[3], x[4], 32); }},
      {{"dplr_filters of 4,099 taps", {{1, 6}, {1, 6}, {1, 6}, {1, 1}, {2, 6}}},
       [](const Inputs& x) {
         return dplr_filters(scale(decaying(x[0]), 0.01), scale(x[1], 0.1), x[2], x[3], x[4], 4099);
       }},
      {{"dplr_filters of one tap", {{1, 2}, {1, 2}, {1, 2}, {1, 1}, {1, 2}}},
       [](const Inputs& x) { return dplr_filters(decaying(x[0]), x[1], x[2], x[3], x[4], 1); }},
      {{"sinkhorn", {{5, 5}}}, [](const Inputs& x) { return sinkhorn(x[0], 3); }},
      {{"sinkhorn, once", {{4, 4}}}, [](const Inputs& x) { return sinkhorn(x[0], 1); }},
      {{"sinkhorn, balanced", {{19, 19}}}, [](const Inputs& x) { return sinkhorn(x[0], 200); }},
      {{"mix_blocks", {{3, 6}, {8, 4}}}, [](const Inputs& x) { return mix_blocks(x[0], x[1], 2, 3); }},
      {{"mix_blocks, fewer sums than blocks", {{2, 10}, {20, 6}}},
       [](const Inputs& x) { return mix_blocks(x[0], x[1], 2, 4); }},
      {{"mix_blocks, one short block", {{1, 2}, {3, 4}}}, [](const Inputs& x) { return mix_blocks(x[0], x[1], 2, 7); }},
      {{"pseudo_inverse", {{7, 7}}}, [](const Inputs& x) { return pseudo_inverse(x[0], 6); }},
      {{"pseudo_inverse, stacked", {{2, 5, 5}}, true}, [](const Inputs& x) { return pseudo_inverse(x[0], 3); }},
      {{"pseudo_inverse of probabilities over heads", {{7, 6}, {7, 6}}},
       [](const Inputs& x) { return pseudo_inverse(softmax(matmul(heads(x[0], 2), transposed(heads(x[1], 2)))), 4); }},
      {{"pseudo_inverse, only the start", {{4, 4}}}, [](const Inputs& x) { return pseudo_inverse(x[0], 0); }},
  };
}

}  // namespace lra::inline LRA_ENGINE
