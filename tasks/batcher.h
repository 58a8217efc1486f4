/// The assignment of examples to batches, as pure functions without state to save.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "datasets/dataset.h"
#include "tasks/batch.h"

namespace lra {

/// Pack examples, in the order given, into one batch.
Batch make_batch(const Dataset& data, Split split, std::span<const std::uint32_t> indices);

/// The training examples of each step: epochs are permutations of the split drawn from (seed, epoch), laid end to end,
/// and step s takes positions s·batch … s·batch + batch − 1.
class EpochSampler {
 public:
  EpochSampler(long examples, long batch, std::uint64_t seed);
  /// Not thread-safe: keeps the permutations of the last epochs used.
  std::vector<std::uint32_t> indices(long step);

 private:
  const std::vector<std::uint32_t>& permutation(long epoch);
  long examples_, batch_;
  std::uint64_t seed_;
  long epoch_[2] = {-1, -1};
  std::vector<std::uint32_t> order_[2];
};

/// A part of a batch that fits the token budget and is computed at once.
struct MicroBatch {
  Batch batch;
  std::vector<std::size_t> positions;  // the position of each of its examples in the whole batch
};

/// Split a batch into micro-batches, longest example first. A micro-batch takes examples while its tokens stay within
/// `token_budget`; a longer example is a micro-batch of its own. The result depends on the batch and the budget only.
std::vector<MicroBatch> cut(const Batch& batch, long token_budget);

}  // namespace lra
