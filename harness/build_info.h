/// Facts about the build. tools/cmake/build_info.cmake generates their source at every build.
#pragma once

#include <string>

namespace lra {

struct BuildInfo {
  std::string version;       // the project's version
  std::string code_version;  // git describe, or the version if there is no git
  bool dirty = false;        // tracked files differed from the commit
  std::string compiler;      // "GNU 12.2.0"
  std::string flags;
  std::string libraries;  // JSON object: library → version
};
const BuildInfo& build_info();

}  // namespace lra
