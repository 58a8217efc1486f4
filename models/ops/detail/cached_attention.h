/// Causal attention over a cache of keys and values.
#pragma once

#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// Causal softmax_attention (ops.h) of a pass that continues sequences: adds its keys and values (T,H·D) to those of
/// the passes before. (cached_attention.cpp)
Tensor cached_attention(const Tensor& q, const Tensor& k, const Tensor& v, long head_count,
                        const SequenceLayout& layout);

}  // namespace lra::inline LRA_ENGINE
