/// Models from outside the tree: shared libraries that register models when they are loaded.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lra {

struct Plugin {
  std::filesystem::path file;       // absolute
  std::vector<std::string> models;  // the models that it registered
  std::string revision;             // this program's engine revision and a hash of the file: "1.0123456789abcdef"
};

/// Loads a library made by `lra_add_plugin` (tools/cmake) for the rest of the program; does nothing if it is loaded
/// already. Runs none of its code before its interface is known to match this program's. Throws a usage error that
/// names the file when it is missing, is not a shared library, is not a plug-in, was made for another interface (naming
/// both), registers no model, or registers one whose name is taken.
void load_plugin(const std::filesystem::path& file);

/// The loaded plug-ins, in the order of loading.
const std::vector<Plugin>& plugins();

}  // namespace lra
