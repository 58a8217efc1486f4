#include "harness/environment.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "harness/build_info.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/onednn.h"

namespace lra {
namespace {

/// The text after `separator` in the first line of a file that starts with `key`, trimmed; empty if there is none.
std::string value_of(const char* file, const std::string& key, char separator) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const std::size_t at = line.find(separator);
    if (at == std::string::npos) continue;
    std::string value = line.substr(at + 1);
    value.erase(0, value.find_first_not_of(" \t\""));
    value.erase(value.find_last_not_of(" \t\"") + 1);
    return value;
  }
  return {};
}

std::string system_name() {
  utsname kernel{};
  uname(&kernel);
  const std::string distribution = value_of("/etc/os-release", "PRETTY_NAME", '=');
  const std::string system = std::string(kernel.sysname) + " " + kernel.release + " " + kernel.machine;
  return distribution.empty() ? system : distribution + ", " + system;
}

}  // namespace

Environment capture_environment() {
  const BuildInfo& build = build_info();
  Environment all;
  all.cpu = value_of("/proc/cpuinfo", "model name", ':');
  all.isa = kernels::instruction_set();
  all.os = system_name();
  all.compiler = build.compiler;
  all.flags = build.flags;
  all.onednn = onednn_version();
  all.onednn_isa = onednn_instruction_set();
  all.libraries = Json::parse(build.libraries);
  all.code_version = build.code_version;
  all.dirty = build.dirty;
  all.cores = long(std::thread::hardware_concurrency());
  all.memory_bytes = std::int64_t(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  return all;
}

}  // namespace lra
