/// Learned rows that take part beside the tokens of every sequence.
#pragma once

#include "models/layers/encoder.h"

namespace lra::inline LRA_ENGINE {

/// A copy of `latents` (M,C) for each sequence of `pack`: (S·M,C).
Packed of_each_sequence(const Tensor& latents, const Pack& pack);

}  // namespace lra::inline LRA_ENGINE
