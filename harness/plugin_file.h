/// What is looked at in a plug-in before any of its code runs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace lra {

/// The interface that plug-ins must be made for: the version, and a hash of the headers that they include.
std::string plugin_interface();

/// Throws a usage error that names the file when `bytes`, its content, are no shared library, one that was cut short,
/// one that lra_add_plugin (tools/cmake) did not make, or one made for another interface (naming both).
void check_plugin_file(const std::filesystem::path& file, std::span<const std::byte> bytes);

}  // namespace lra
