/// Softmax attention over sums of scores (scores.h).
#pragma once

#include <vector>

#include "models/ops/scores.h"
#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// softmax_j(Σ_t weights[t] · terms[t]_ij)·v with dropout on the probabilities, over all keys or if `causal` over those
/// up to the query. weights (1, number of terms), or undefined for ones. v (T,H·D) → (T,H·D). Never holds an N×N
/// matrix: scores are computed in strips and recomputed in backward. Keeps terms, weights, v, the result and one number
/// per query and head.
Tensor score_attention(std::vector<Scores> terms, Tensor weights, Tensor v, long head_count, bool causal,
                       const Dropout& site, const SequenceLayout& layout);

}  // namespace lra::inline LRA_ENGINE
