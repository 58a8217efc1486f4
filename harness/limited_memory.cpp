#include "harness/limited_memory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/machine.h"

namespace lra {

LimitedMemory::LimitedMemory(std::int64_t bytes) {
  if (bytes <= 0) return;
  if (getrlimit(RLIMIT_DATA, &before_) != 0) fail("cannot limit the memory of the cell: {}", std::strerror(errno));
  const rlimit limit{std::min(rlim_t(bytes), before_.rlim_cur), before_.rlim_max};
  if (setrlimit(RLIMIT_DATA, &limit) != 0) fail("cannot limit the memory of the cell: {}", std::strerror(errno));
  is_set_ = true;
}

LimitedMemory::~LimitedMemory() {
  if (is_set_) setrlimit(RLIMIT_DATA, &before_);
}

std::int64_t limit_within_machine() {
  constexpr std::int64_t kUntouched = 256 << 20;  // stacks count in full, but untouched pages take no memory
  return process_bytes("VmData") + available_memory() + kUntouched;
}

}  // namespace lra
