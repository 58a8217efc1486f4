/// Attention scores other than products of queries and keys.
#pragma once

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// One kind of score of key j for query i, per head. `length` below is at least the length of every sequence. A tensor
/// has either one row per token or one row per position; rows per position are shared by all sequences.
struct Scores {
  enum class Kind { product, table, outer, distance } kind;
  Tensor left, right;
  bool left_packed = true, right_packed = true;  // one row per token, or one row per position
  double scale = 1;
  Tensor bias;  // (H,length) or undefined

  /// scale · q_i·k_j. q, k (T,H·E).
  static Scores of_tokens(Tensor q, Tensor k, double scale);
  /// x_i·w_j + bias_j. x (T,H·E), w (length,H·E).
  static Scores of_tokens_and_positions(Tensor x, Tensor w, Tensor bias);
  /// a_i·b_j. a, b (length,H·E).
  static Scores of_positions(Tensor a, Tensor b);
  /// table[h][i][j], (H,length,length).
  static Scores in_table(Tensor table);
  /// a_i[j mod A] · b_i[⌊j/A⌋]. a (T,H·A), b (T,H·B), A·B ≥ length.
  static Scores of_factors(Tensor a, Tensor b);
  /// table[j − i + R][h], with distances clipped to −R … R. table (2·R + 1, H).
  static Scores of_distances(Tensor table);
};

}  // namespace lra::inline LRA_ENGINE
