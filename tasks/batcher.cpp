#include "tasks/batcher.h"

#include <algorithm>
#include <numeric>

#include "core/random.h"

namespace lra {
namespace {

void append(Batch& batch, std::span<const std::uint16_t> sequence) {
  batch.ids.insert(batch.ids.end(), sequence.begin(), sequence.end());
  batch.offsets.push_back(long(batch.ids.size()));
}

Batch empty_batch(bool paired) {
  Batch batch;
  batch.offsets.push_back(0);
  batch.paired = paired;
  return batch;
}

/// Appends example `b` of `from` to `to`.
void copy_example(const Batch& from, std::size_t b, Batch& to) {
  const std::size_t each = from.paired ? 2 : 1;
  for (std::size_t s = b * each; s < (b + 1) * each; ++s) {
    to.ids.insert(to.ids.end(), from.ids.begin() + from.offsets[s], from.ids.begin() + from.offsets[s + 1]);
    to.offsets.push_back(long(to.ids.size()));
  }
  to.labels.push_back(from.labels[b]);
  to.examples.push_back(from.examples[b]);
}

}  // namespace

Batch make_batch(const Dataset& data, Split split, std::span<const std::uint32_t> indices) {
  Batch batch = empty_batch(!indices.empty() && !data.at(split, indices[0]).second.empty());
  for (const std::uint32_t index : indices) {
    const Example example = data.at(split, index);
    append(batch, example.tokens);
    if (batch.paired) append(batch, example.second);
    batch.labels.push_back(example.label);
    batch.examples.push_back(index);
  }
  return batch;
}

EpochSampler::EpochSampler(long examples, long batch, std::uint64_t seed)
    : examples_(examples), batch_(batch), seed_(seed) {}

std::vector<std::uint32_t> EpochSampler::indices(long step) {
  std::vector<std::uint32_t> chosen;
  for (long position = step * batch_; position < (step + 1) * batch_; ++position)
    chosen.push_back(permutation(position / examples_)[std::size_t(position % examples_)]);
  return chosen;
}

const std::vector<std::uint32_t>& EpochSampler::permutation(long epoch) {
  const std::size_t slot = std::size_t(epoch % 2);  // a batch may lie across two epochs
  if (epoch_[slot] != epoch) {
    order_[slot].resize(std::size_t(examples_));
    std::iota(order_[slot].begin(), order_[slot].end(), 0u);
    Sequence draw(Random(seed_, "order").at(std::uint32_t(epoch), 0));
    draw.shuffle(order_[slot]);
    epoch_[slot] = epoch;
  }
  return order_[slot];
}

std::vector<MicroBatch> cut(const Batch& batch, long token_budget) {
  const std::size_t each = batch.paired ? 2 : 1;
  const auto tokens = [&](std::size_t b) { return batch.offsets[(b + 1) * each] - batch.offsets[b * each]; };
  std::vector<std::size_t> order(batch.examples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return tokens(a) > tokens(b); });
  std::vector<MicroBatch> pieces;
  for (const std::size_t b : order) {
    if (pieces.empty() || pieces.back().batch.tokens() + tokens(b) > token_budget)
      pieces.push_back({empty_batch(batch.paired), {}});
    copy_example(batch, b, pieces.back().batch);
    pieces.back().positions.push_back(b);
  }
  return pieces;
}

}  // namespace lra
