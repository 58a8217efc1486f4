/// Learned latents that each sequence has in addition to its tokens.
#pragma once

#include "models/layers/encoder.h"

namespace lra::inline LRA_ENGINE {

/// Returns a copy of `latents` (M,C) for each sequence of `layout`: (S·M,C).
PackedSequences of_each_sequence(const Tensor& latents, const SequenceLayout& layout);

/// Returns the mean of each sequence's states as its only state: (T,C) → (S,C). Pooling by cls and by mean then agree.
PackedSequences mean_of_each_sequence(const PackedSequences& states);

}  // namespace lra::inline LRA_ENGINE
