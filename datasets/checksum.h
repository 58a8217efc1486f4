/// A fast 64-bit checksum (XXH3) that detects accidental damage, not tampering; SHA-256 is in core/digest.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace lra {

std::uint64_t checksum(std::span<const std::byte> bytes);

/// The checksums of a stream's consecutive blocks of `block` bytes; the last may be shorter.
class BlockChecksums {
 public:
  explicit BlockChecksums(std::size_t block);
  ~BlockChecksums();
  BlockChecksums(const BlockChecksums&) = delete;
  BlockChecksums& operator=(const BlockChecksums&) = delete;

  void add(std::span<const std::byte> bytes);
  /// End the stream and return one checksum per block.
  std::vector<std::uint64_t> take();

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::size_t block_, filled_ = 0;
  std::vector<std::uint64_t> done_;
};

}  // namespace lra
