/// Softmax attention among tokens that share a bucket, in chunks of a sorted sequence.
#pragma once

#include <cstdint>
#include <vector>

#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// The order of the n tokens of one sequence in one round and head.
struct BucketOrder {
  std::vector<std::int32_t> tokens;  // a permutation of 0 … n − 1
  std::vector<std::int32_t> runs;    // ascending indices in `tokens`, from 0, where runs begin; no chunk crosses one
  std::vector<std::int32_t> buckets = {};  // likewise, where buckets begin, if queries only see keys of their bucket
};
/// The rounds of sequence s and head h at index s·H + h; at least one round each.
using BucketOrders = std::vector<std::vector<BucketOrder>>;

/// Softmax attention in sorted chunks: in each round, the queries of a chunk of `chunk` tokens see the keys of that
/// chunk and of the previous chunk in its run, with `buckets` only those in the query's bucket, and if `causal` only
/// those that are not later in the sequence. A single run without buckets is a ring, whose first chunk sees the last. A
/// token sees itself only if it sees nothing else in any round. All rounds together are one softmax over the keys that
/// any of them shows, so a key that m rounds show has weight 1/m in each. Kitaev et al. arXiv:2001.04451, §2 and
/// appendix A. Scores are scale·q·k, scale > 0, with dropout on the probabilities. q, k, v (T,H·D) → (T,H·D). Keeps all
/// three, the result, the orders, and one number per query and head.
Tensor sorted_attention(Tensor q, Tensor k, Tensor v, long head_count, BucketOrders orders, long chunk, bool causal,
                        double scale, const Dropout& site, const SequenceLayout& layout);

}  // namespace lra::inline LRA_ENGINE
