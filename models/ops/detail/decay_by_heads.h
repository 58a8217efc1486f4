/// Attention whose keys decay by one factor per head and token: the part of decayed_attention for such decays.
#pragma once

#include "models/ops/recurrences.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// As decayed_attention, for log decays of one column per head. The caller has checked the inputs.
/// (decay_by_heads.cpp)
Tensor decay_by_heads(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& log_decay, long head_count,
                      const SequenceLayout& layout, Direction direction);

}  // namespace lra::inline LRA_ENGINE
