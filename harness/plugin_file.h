/// Checks a plug-in file before any of its code runs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace lra {

/// The interface that plug-ins must be built for: the version and a hash of the headers that they include.
std::string plugin_interface();

/// `bytes` is the content of the file. Throws a usage error that names the file when it is not a shared library, was
/// cut short, was not made by lra_add_plugin (tools/cmake), or was made for another interface (naming both).
void check_plugin_file(const std::filesystem::path& file, std::span<const std::byte> bytes);

}  // namespace lra
