/// Models from outside the tree: shared libraries whose registrations join the registry when they are loaded.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lra {

struct Plugin {
  std::filesystem::path file;       // absolute
  std::vector<std::string> models;  // that it registered
  std::string revision;             // this program's engine revision, and a hash of the file: "1.0123456789abcdef"
};

/// Loads a library that `lra_add_plugin` (tools/cmake) made, to the end of the program; one that is loaded already is
/// left alone. None of its code runs before it is known to be made for this program's interface. Throws a usage error
/// that names the file when it is missing, no shared library, no plug-in, made for another interface (naming both), or
/// registers no model or one whose name is taken.
void load_plugin(const std::filesystem::path& file);

/// Those loaded, in that order.
const std::vector<Plugin>& plugins();

}  // namespace lra
