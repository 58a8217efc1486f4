/// What this process may use of the machine; in a container or a batch job that is less than there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lra {

/// CPUs that this process may keep busy: those of its affinity mask, but no more whole ones than the quota of its
/// control group (version 1 or 2) or of one around it gives. At least 1. The system's files are read under `root`.
long usable_cpus(const std::filesystem::path& root = "/");

/// Bytes that this process can still have without swapping: the least of what the system has available, of what the
/// memory limits of its control groups leave beside their use, and of what its own limits leave (RLIMIT_AS,
/// RLIMIT_DATA).
std::int64_t available_memory(const std::filesystem::path& root = "/");

/// The name of the limit that counts addresses, used or not.
inline constexpr const char* kAddressLimit = "ulimit -v";

/// A limit on all the memory of this process.
struct MemoryLimit {
  std::int64_t bytes;
  std::int64_t used;  // of them, now
  std::string name;   // what sets it, for people: "ulimit -v"
  bool is_groups;     // of a control group: the system kills a process for it; beyond others it refuses memory
};

/// The lowest of the limits that available_memory looks at; none when nothing but the size of the machine limits it.
std::optional<MemoryLimit> memory_limit(const std::filesystem::path& root = "/");

/// Whether the system would hand this process so many bytes more just now.
bool can_have(std::size_t bytes);

/// The number of bytes behind "NAME:" in /proc/self/status, such as VmHWM; 0 without it.
std::int64_t process_bytes(const std::string& name, const std::filesystem::path& root = "/");

}  // namespace lra
