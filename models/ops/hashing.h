/// Locality-sensitive hashing of tokens into buckets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// A number of buckets, factored into one or two even numbers so that many buckets need few rotations. The product is
/// at least `wanted`. Up to 32 buckets are one factor; 1 stays 1.
struct Buckets {
  long first, second;

  explicit Buckets(long wanted);
  long count() const { return first * second; }
  /// The number of rotation rows that hash_directions needs.
  long rotations() const { return first / 2 + (second > 1 ? second / 2 : 0); }
};

/// Returns the bucket of each row of x (n,D): argmax over [xR; −xR] with R from the rows of `rotations` (at least
/// buckets.rotations(),D); ties go to the first. Andoni et al. arXiv:1509.02897, §3. Not differentiated.
std::vector<std::int32_t> hash_directions(ConstView x, ConstView rotations, const Buckets& buckets);

/// Returns 0 … n − 1 sorted stably by key. Keys are in 0 … `bound` − 1.
std::vector<std::int32_t> stable_order(std::span<const std::int32_t> keys, long bound);

/// How one round lines up the n tokens of a sequence for one head.
struct BucketOrder {
  std::vector<std::int32_t> tokens;  // a permutation of 0 … n − 1
  std::vector<std::int32_t> runs;  // places in it where a run begins, ascending from 0: chunks do not cross into a run
};
/// The rounds of sequence s and head h at s·H + h, at least one each.
using BucketOrders = std::vector<std::vector<BucketOrder>>;

/// Softmax attention in sorted chunks: in each round, the queries of a chunk of `chunk` tokens see the keys of that
/// chunk and of the one before it in its run, and with `causal` only those of them that stand no later in the sequence.
/// A run that is all of the sequence is a ring, whose first chunk sees the last. A token sees itself only where it sees
/// nothing else in any round. Rounds are weighted by the sums of their exponentials, a key that m of them show counting
/// 1/m in each: all rounds together are one softmax over the keys that any of them shows. Kitaev et al.
/// arXiv:2001.04451, §2 and appendix A. Scores are scale·q·k, scale > 0, with dropout on the
/// probabilities. q, k, v (T,H·D) → (T,H·D). Keeps all three, the result, the lineups, and one number a query and head.
Tensor sorted_attention(Tensor q, Tensor k, Tensor v, long head_count, BucketOrders orders, long chunk, bool causal,
                        double scale, const Dropout& site, const SequenceLayout& layout);

}  // namespace lra::inline LRA_ENGINE
