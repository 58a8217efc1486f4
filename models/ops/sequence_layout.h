/// Which rows of a packed (T, C) tensor belong to which sequence.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "models/tensor/dropout_stream.h"

namespace lra::inline LRA_ENGINE {

/// S sequences, one after another, without padding. Also holds the keys of this pass's random numbers.
struct SequenceLayout {
  std::vector<long> offsets;             // S + 1
  std::vector<std::uint32_t> sequences;  // S: the number of each sequence, which does not depend on the packing
  std::uint32_t step = 0;
  long length = 0;    // the longest sequence of the task: the stride of random elements
  double weight = 1;  // weight of each sequence's example in the loss of a training step

  long count() const { return long(offsets.size()) - 1; }
  long tokens() const { return offsets.back(); }
  long begin(long s) const { return offsets[std::size_t(s)]; }
  long size(long s) const { return offsets[std::size_t(s) + 1] - offsets[std::size_t(s)]; }
  long longest() const {
    long most = 0;
    for (long s = 0; s < count(); ++s) most = std::max(most, size(s));
    return most;
  }
};

/// A dropout site: rate and random key. Each call site has one, created with the model.
struct Dropout {
  double rate = 0;
  std::array<std::uint32_t, 2> key{};

  Dropout() = default;
  Dropout(double share, const Random& site) : rate(share), key(site.key()) {}

  bool active() const { return rate > 0; }
  DropoutStream stream(const SequenceLayout& layout, long s) const {
    return {key, layout.step, layout.sequences[std::size_t(s)], std::uint32_t(std::lround(rate * 65536))};
  }
};

}  // namespace lra::inline LRA_ENGINE
