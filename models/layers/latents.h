/// Learned rows that take part beside the tokens of every sequence.
#pragma once

#include "models/layers/encoder.h"

namespace lra::inline LRA_ENGINE {

/// A copy of `latents` (M,C) for each sequence of `layout`: (S·M,C).
PackedSequences of_each_sequence(const Tensor& latents, const SequenceLayout& layout);

}  // namespace lra::inline LRA_ENGINE
