#include "core/machine.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <vector>

namespace lra {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

/// Return the first number in a file; `otherwise` when there is none ("max", -1, no file).
std::int64_t number_in(const fs::path& file, std::int64_t otherwise) {
  std::ifstream in(file);
  std::int64_t value = 0;
  return in >> value && value >= 0 ? value : otherwise;
}

/// Return the field NAME, which is in kilobytes, of a file in /proc, in bytes; `otherwise` when there is no such field.
std::int64_t bytes_in(const fs::path& file, const std::string& name, std::int64_t otherwise) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::int64_t kilobytes = 0;
    if (words >> key >> kilobytes && key == name + ":") return kilobytes * 1024;
  }
  return otherwise;
}

bool is_listed(const std::string& controllers, const std::string& controller) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');)
    if (name == controller) return true;
  return false;
}

/// Return the folders of the control groups of this process that may limit what `controller` controls, innermost first.
/// In a container the path is often the host's and its folders do not exist; then nothing is read from them, and the
/// outermost folder is the container's own.
std::vector<fs::path> groups(const fs::path& root, const std::string& controller) {
  const fs::path mount = root / "sys/fs/cgroup";
  std::vector<fs::path> all;
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {  // NUMBER:CONTROLLERS:PATH; version 2 names no controllers
    std::istringstream parts(line);
    std::string number, controllers, path;
    if (!std::getline(parts, number, ':') || !std::getline(parts, controllers, ':') || !std::getline(parts, path))
      continue;
    std::vector<fs::path> trees;
    if (controllers.empty())
      trees = {mount, mount / "unified"};
    else if (is_listed(controllers, controller))
      trees = {mount / controller, mount / controllers};
    for (const fs::path& tree : trees)
      for (fs::path inner = fs::path(path).relative_path();; inner = inner.parent_path()) {
        all.push_back(tree / inner);
        if (inner.empty()) break;
      }
  }
  return all;
}

/// Return the quota of a control group in CPUs; infinite without one.
double quota(const fs::path& group) {
  std::int64_t share = kNone, period = 0;
  std::ifstream both(group / "cpu.max");
  if (!(both >> share >> period)) {  // not version 2, or "max"
    share = number_in(group / "cpu.cfs_quota_us", kNone);
    period = number_in(group / "cpu.cfs_period_us", 0);
  }
  return share == kNone || period <= 0 ? std::numeric_limits<double>::infinity() : double(share) / double(period);
}

long cpus_of_mask() {
  constexpr int kMostCpus = 1 << 16;
  for (int cpus = CPU_SETSIZE; cpus <= kMostCpus; cpus *= 2) {
    std::vector<cpu_set_t> mask(std::size_t(cpus / CPU_SETSIZE));
    const std::size_t bytes = mask.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
  }
  return 1;
}

/// Return the bytes that a control group uses, excluding inactive file pages, which the kernel reclaims when memory is
/// short.
std::int64_t used_by(const fs::path& group, const char* usage, const char* idle) {
  std::int64_t bytes = number_in(group / usage, 0);
  std::ifstream lines(group / "memory.stat");
  std::string key;
  for (std::int64_t value = 0; lines >> key >> value;)
    if (key == idle) bytes -= value;
  return std::max<std::int64_t>(0, bytes);
}

MemoryLimit limit_of_group(const fs::path& group) {
  if (const std::int64_t second = number_in(group / "memory.max", kNone); second != kNone)
    return {second, used_by(group, "memory.current", "inactive_file"), "the control group", true};
  return {number_in(group / "memory.limit_in_bytes", kNone),
          used_by(group, "memory.usage_in_bytes", "total_inactive_file"), "the control group", true};
}

MemoryLimit limit_of_process(const fs::path& root, __rlimit_resource_t resource, const char* name, const char* used) {
  rlimit limit{};
  const bool is_limited = getrlimit(resource, &limit) == 0 && limit.rlim_cur < rlim_t(kNone);
  return {is_limited ? std::int64_t(limit.rlim_cur) : kNone, process_bytes(used, root), name, false};
}

std::vector<MemoryLimit> limits(const fs::path& root) {
  std::vector<MemoryLimit> all{limit_of_process(root, RLIMIT_AS, kAddressLimit, "VmSize"),
                               limit_of_process(root, RLIMIT_DATA, "ulimit -d", "VmData")};
  for (const fs::path& group : groups(root, "memory")) all.push_back(limit_of_group(group));
  // Version 1 of control groups writes the largest number of whole pages where there is no limit.
  constexpr std::int64_t kBeyondAnyMachine = std::int64_t{1} << 60;
  std::erase_if(all, [](const MemoryLimit& limit) { return limit.bytes >= kBeyondAnyMachine; });
  return all;
}

}  // namespace

long usable_cpus(const fs::path& root) {
  double cpus = double(cpus_of_mask());
  for (const fs::path& group : groups(root, "cpu")) cpus = std::min(cpus, quota(group));
  return std::max(1L, long(cpus));
}

std::int64_t available_memory(const fs::path& root) {
  std::int64_t least = bytes_in(root / "proc/meminfo", "MemAvailable", 0);
  for (const MemoryLimit& limit : limits(root))
    least = std::min(least, std::max<std::int64_t>(0, limit.bytes - limit.used));
  return least;
}

std::optional<MemoryLimit> memory_limit(const fs::path& root) {
  std::optional<MemoryLimit> lowest;
  for (const MemoryLimit& limit : limits(root))
    if (!lowest || limit.bytes < lowest->bytes) lowest = limit;
  return lowest;
}

bool can_have(std::size_t bytes) {
  // Do not use malloc: a large block would change its thresholds.
  void* block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block != MAP_FAILED && munmap(block, bytes) == 0;
}

std::int64_t process_bytes(const std::string& name, const fs::path& root) {
  return bytes_in(root / "proc/self/status", name, 0);
}

}  // namespace lra
