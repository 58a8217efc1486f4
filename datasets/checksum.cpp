#include "datasets/checksum.h"

#include <algorithm>

#include <xxhash.h>

#include "core/error.h"

namespace lra {

struct BlockChecksums::State {
  XXH3_state_t* xxh = XXH3_createState();
  ~State() { XXH3_freeState(xxh); }
};

std::uint64_t checksum(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

BlockChecksums::BlockChecksums(std::size_t block) : state_(std::make_unique<State>()), block_(block) {
  if (!state_->xxh) fail("not enough memory for a checksum");
  XXH3_64bits_reset(state_->xxh);
}

BlockChecksums::~BlockChecksums() = default;

void BlockChecksums::add(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::span part = bytes.first(std::min(bytes.size(), block_ - filled_));
    XXH3_64bits_update(state_->xxh, part.data(), part.size());
    bytes = bytes.subspan(part.size());
    filled_ += part.size();
    if (filled_ < block_) continue;
    done_.push_back(XXH3_64bits_digest(state_->xxh));
    XXH3_64bits_reset(state_->xxh);
    filled_ = 0;
  }
}

std::vector<std::uint64_t> BlockChecksums::take() {
  if (filled_ > 0) done_.push_back(XXH3_64bits_digest(state_->xxh));
  return std::move(done_);
}

}  // namespace lra
