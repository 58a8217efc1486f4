#include "models/tensor/memory.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <limits>
#include <new>

#include "core/sanitizer.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr std::size_t kAlignment = 64;

/// Under AddressSanitizer every tensor is a heap block with red zones. The double engine is not instrumented.
constexpr bool kReusesBlocks = !kSanitised;

/// Rounds up to one of few sizes (in steps of an eighth of a power of two), so that similar lengths share blocks.
std::size_t size_class(std::size_t bytes) {
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
  Real* block = reused_or_new(bytes);
#ifndef NDEBUG
  std::fill_n(block, bytes / sizeof(Real), std::numeric_limits<Real>::quiet_NaN());
#endif
  return block;
}

Real* Memory::reused_or_new(std::size_t bytes) {
  if (!kReusesBlocks) return allocate(bytes);
  auto& blocks = free_[size_class(bytes)];
  if (blocks.empty()) return allocate(size_class(bytes));
  Real* block = blocks.back();
  blocks.pop_back();
  return block;
}

void Memory::give_back(Real* block, std::size_t bytes) {
  live_ -= std::int64_t(bytes);
  assert(live_ >= 0 && "a block went back to another thread than it came from");
  if (!kReusesBlocks) return std::free(block);
  try {
    free_[size_class(bytes)].push_back(block);
  } catch (const std::bad_alloc&) {  // called by destructors, which must not throw
    std::free(block);
  }
}

void Memory::trim() {
  for (auto& [size, blocks] : free_)
    for (Real* block : blocks) std::free(block);
  free_.clear();
}

}  // namespace lra::inline LRA_ENGINE
