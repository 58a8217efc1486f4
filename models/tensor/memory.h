/// Where tensors live, and the count of it.
///
/// Problem: memory is a published result, so it must be counted exactly and repeat exactly; and fresh pages cost as
/// much as the arithmetic done on them, so blocks must be used again. One Memory per thread, so no lock: a block goes
/// back to the thread that took it. In builds with assertions every block is a malloc of its own, filled with NaN, so
/// that a sanitizer sees overruns and nothing depends on stale values.
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

  /// A 64-byte-aligned block, counted as live with the size asked for.
  Real* take(std::size_t bytes);
  void give_back(Real* block, std::size_t bytes);

  std::int64_t live() const { return live_; }
  std::int64_t peak() const { return peak_; }
  void reset_peak() { peak_ = live_; }
  /// Hands unused blocks back to the system.
  void trim();

 private:
  std::map<std::size_t, std::vector<Real*>> free_;
  std::int64_t live_ = 0, peak_ = 0;
};

/// What the calling thread did since it last set this to zero.
///
/// `bytes` is an estimate of traffic by one rule: whatever memory a tensor is made on, a block of its own or a
/// parameter, is passed over twice, written and read. Ops that work in place add to that, caches take from it.
struct Work {
  double flops = 0;  // of matrix products
  double bytes = 0;
};

}  // namespace lra::inline LRA_ENGINE
