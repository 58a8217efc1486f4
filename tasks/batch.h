/// A batch of examples as models read it: concatenated sequences without padding.
#pragma once

#include <cstdint>
#include <vector>

namespace lra {

/// B examples as S sequences (S = B, or 2·B for paired tasks: first and second of an example are neighbours).
struct Batch {
  std::vector<std::int32_t> ids;        // the tokens of all sequences, one after another
  std::vector<std::int64_t> offsets;    // S + 1; sequence s is ids[offsets[s]] … ids[offsets[s + 1] − 1]
  std::vector<std::int32_t> labels;     // B
  std::vector<std::uint32_t> examples;  // B: the index in its split, part of the key of every random stream
  bool paired = false;

  long size() const { return long(labels.size()); }
  long sequences() const { return long(offsets.size()) - 1; }
  long tokens() const { return long(ids.size()); }
};

}  // namespace lra
