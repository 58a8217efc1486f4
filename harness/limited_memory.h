/// Limits the memory of this process, so that it fails with an error instead of being killed by the system.
#pragma once

#include <sys/resource.h>

#include <cstdint>

namespace lra {

/// While it exists, the system refuses this process memory beyond a limit (RLIMIT_DATA), so that allocations throw
/// std::bad_alloc. Its destructor restores the previous limit, so that there is memory to report the error.
class LimitedMemory {
 public:
  /// `bytes` counts all memory of the process, not only new allocations; 0 means no limit. Throws when the limit cannot
  /// be set.
  explicit LimitedMemory(std::int64_t bytes);
  ~LimitedMemory();
  LimitedMemory(const LimitedMemory&) = delete;
  LimitedMemory& operator=(const LimitedMemory&) = delete;

 private:
  rlimit before_{};
  bool is_set_ = false;
};

/// The limit in bytes beyond which this process would make the machine swap.
std::int64_t limit_within_machine();

}  // namespace lra
