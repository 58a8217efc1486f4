#include "models/tensor/memory.h"

#include <cassert>
#include <cstdlib>
#include <limits>
#include <new>

namespace lra::inline LRA_ENGINE {
namespace {

constexpr std::size_t kAlignment = 64;

/// Rounds up to one of few sizes (in steps of an eighth of a power of two), so that similar lengths share blocks.
[[maybe_unused]] std::size_t size_class(std::size_t bytes) {
  std::size_t power = 512;
  while (power * 2 <= bytes) power *= 2;
  const std::size_t step = power / 8;
  return (bytes + step - 1) / step * step;
}

Real* allocate(std::size_t bytes) {
  void* block = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (!block) throw std::bad_alloc();
  return static_cast<Real*>(block);
}

}  // namespace

Memory::~Memory() { trim(); }

Real* Memory::take(std::size_t bytes) {
  live_ += std::int64_t(bytes);
  if (live_ > peak_) peak_ = live_;
#ifdef NDEBUG
  auto& blocks = free_[size_class(bytes)];
  if (blocks.empty()) return allocate(size_class(bytes));
  Real* block = blocks.back();
  blocks.pop_back();
  return block;
#else
  Real* block = allocate(bytes);
  for (std::size_t i = 0; i < bytes / sizeof(Real); ++i) block[i] = std::numeric_limits<Real>::quiet_NaN();
  return block;
#endif
}

void Memory::give_back(Real* block, std::size_t bytes) {
  live_ -= std::int64_t(bytes);
  assert(live_ >= 0 && "a block went back to another thread than it came from");
#ifdef NDEBUG
  try {
    free_[size_class(bytes)].push_back(block);
  } catch (const std::bad_alloc&) {  // called by destructors, which must not throw
    std::free(block);
  }
#else
  std::free(block);
#endif
}

void Memory::trim() {
  for (auto& [size, blocks] : free_)
    for (Real* block : blocks) std::free(block);
  free_.clear();
}

}  // namespace lra::inline LRA_ENGINE
