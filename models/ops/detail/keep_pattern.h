/// Reports the pattern of a sparse attention to a Capture (models/autodiff/capture.h).
#pragma once

#include "models/ops/pattern.h"
#include "models/ops/sequence_layout.h"

namespace lra::inline LRA_ENGINE {

/// Keeps which keys each query sees, if this thread's Capture asks for the pattern at the dropout site `site`.
void keep_pattern(const Pattern& pattern, long head_count, const Dropout& site, const SequenceLayout& layout,
                  const SequenceLayout& key_layout);

}  // namespace lra::inline LRA_ENGINE
