/// Attention with Laplace weights over sums of scores (scores.h).
#pragma once

#include <vector>

#include "models/ops/scores.h"
#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// As score_attention without weights of the terms, but key j has weight ½(1 + erf((s − √½) / (σ√2))), σ = √(1/4π), for
/// query i, where s = Σ_t terms[t]_ij; weights are not normalised. The function approximates max(s,0)² near s = √½,
/// with values in (0,1). Ma et al. arXiv:2209.10655, §3.3 (eq. 16 to 18). Keeps terms, v and the result.
/// (score_attention.cpp)
Tensor laplace_attention(std::vector<Scores> terms, Tensor v, long head_count, bool causal, const Dropout& site,
                         const SequenceLayout& layout);

}  // namespace lra::inline LRA_ENGINE
