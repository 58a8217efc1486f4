#include "models/layers/latents.h"

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

PackedSequences of_each_sequence(const Tensor& latents, const SequenceLayout& layout) {
  const long m = latents.dim(0);
  SequenceLayout own = layout;
  own.length = m;
  std::vector<long> copies;
  for (long s = 0; s < layout.count(); ++s) {
    own.offsets[std::size_t(s) + 1] = (s + 1) * m;
    for (long i = 0; i < m; ++i) copies.push_back(i);
  }
  return {gather_rows(latents, std::move(copies)), std::move(own)};
}

PackedSequences mean_of_each_sequence(const PackedSequences& states) {
  SequenceLayout own = states.layout;
  own.length = 1;
  for (long s = 0; s < own.count(); ++s) own.offsets[std::size_t(s) + 1] = s + 1;
  return {mean_rows(states.x, states.layout), std::move(own)};
}

}  // namespace lra::inline LRA_ENGINE
