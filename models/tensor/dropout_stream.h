/// The random numbers of dropout.
#pragma once

#include <array>
#include <cstdint>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE {

/// Which elements dropout removes, as a pure function of a Philox stream and the element's number e.
///
/// A counter block gives eight 16-bit numbers. Element e belongs to group g = e / 128; within it, i = e % 128, it uses
/// counter block 16·g + i % 16, word (i / 16) / 2 of that block, its low half if (i / 16) is even, otherwise its high
/// half. The element is dropped when that number is below `threshold`. The counter is {block low, block high, step,
/// example}.
struct DropoutStream {
  std::array<std::uint32_t, 2> key;
  std::uint32_t step, example;
  std::uint32_t threshold;  // dropped share × 65536, rounded
  /// What kept elements are multiplied by: 65536 / (65536 − threshold), so that the mean is exact.
  Real keep_scale() const { return Real(65536.0 / (65536.0 - double(threshold))); }
};

}  // namespace lra::inline LRA_ENGINE
