/// The CPUs and memory that this process may use. In a container or a batch job these are fewer than the machine has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lra {

/// Return how many CPUs this process may keep busy: those of its affinity mask, limited to the whole CPUs that the
/// quotas of its control group (version 1 or 2) and its ancestors allow. At least 1. The system's files are read under
/// `root`.
long usable_cpus(const std::filesystem::path& root = "/");

/// Return how many more bytes this process can use without swapping: the minimum of the system's available memory, the
/// unused part of its control groups' memory limits, and the unused part of its own limits (RLIMIT_AS, RLIMIT_DATA).
std::int64_t available_memory(const std::filesystem::path& root = "/");

/// The name of the limit on address space, used or not.
inline constexpr const char* kAddressLimit = "ulimit -v";

/// A limit on all the memory of this process.
struct MemoryLimit {
  std::int64_t bytes;
  std::int64_t used;  // bytes used now
  std::string name;   // what sets it, for people: "ulimit -v"
  bool is_groups;     // set by a control group: exceeding it kills the process; under other limits an allocation fails
};

/// Return the lowest of the limits that available_memory considers; nothing when only the size of the machine limits
/// it.
std::optional<MemoryLimit> memory_limit(const std::filesystem::path& root = "/");

/// Whether the system would allocate this many more bytes to this process now.
bool can_have(std::size_t bytes);

/// Return the value of the field NAME of /proc/self/status, such as VmHWM, in bytes; 0 when there is no such field.
std::int64_t process_bytes(const std::string& name, const std::filesystem::path& root = "/");

}  // namespace lra
