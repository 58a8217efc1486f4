/// The memory of tensors: allocation, reuse and exact counting.
///
/// Memory is a published result, so its count must be exact and reproducible; and fresh pages cost as much as the
/// arithmetic on them, so blocks must be reused. Each thread has its own Memory and returns a block to it, so no lock
/// is needed. In builds with assertions every block is filled with NaN, so that no result depends on stale values; code
/// that AddressSanitizer instruments allocates every block separately, so that overruns are detected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE {

class Memory {
 public:
  Memory() = default;
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// Returns a 64-byte-aligned block and counts `bytes` as live. Throws std::bad_alloc.
  Real* take(std::size_t bytes);
  void give_back(Real* block, std::size_t bytes);

  std::int64_t live() const { return live_; }
  std::int64_t peak() const { return peak_; }
  void reset_peak() { peak_ = live_; }
  /// Frees all unused blocks.
  void trim();

 private:
  Real* reused_or_new(std::size_t bytes);

  std::map<std::size_t, std::vector<Real*>> free_;
  std::int64_t live_ = 0, peak_ = 0;
};

/// The work that the calling thread has done since it last reset this to zero.
///
/// `bytes` is an estimate of traffic by one rule: the memory of every new tensor, whether its own block or a parameter,
/// is written once and read once. In-place ops cause more traffic than that, caches less.
struct Work {
  double flops = 0;  // of matrix products
  double bytes = 0;
};

}  // namespace lra::inline LRA_ENGINE
