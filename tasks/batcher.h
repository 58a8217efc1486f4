/// Which examples form which batch, as pure functions: nothing to save, nothing to resume.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "datasets/dataset.h"
#include "tasks/batch.h"

namespace lra {

/// Packs examples, in the order given, into one batch.
Batch make_batch(const Dataset& data, Split split, std::span<const std::uint32_t> indices);

/// The training examples of each step: epochs are permutations of the split drawn from (seed, epoch), laid end to end,
/// and step s takes positions s·batch … s·batch + batch − 1.
class EpochSampler {
 public:
  EpochSampler(long examples, long batch, std::uint64_t seed);
  /// Not thread-safe: keeps the permutation of the epoch last asked for.
  std::vector<std::uint32_t> indices(long step);

 private:
  const std::vector<std::uint32_t>& permutation(long epoch);
  long examples_, batch_;
  std::uint64_t seed_;
  long epoch_[2] = {-1, -1};
  std::vector<std::uint32_t> order_[2];
};

/// A part of a batch that is small enough to be computed at once.
struct MicroBatch {
  Batch batch;
  std::vector<std::size_t> positions;  // where each of its examples stands in the batch that was cut
};

/// Cuts a batch into micro-batches, longest example first: an example is added while the tokens stay within
/// `token_budget`; a longer one stands alone. A function of the batch and the budget only.
std::vector<MicroBatch> cut(const Batch& batch, long token_budget);

}  // namespace lra
