#include "harness/plugin_file.h"

#include <elf.h>

#include <cstring>
#include <string_view>

#include "core/error.h"

namespace lra {
namespace {

/// The beginning of the text that tools/cmake/plugin_abi.cpp puts into every plug-in.
constexpr std::string_view kMark = "lra plugin ABI ";
constexpr std::size_t kLongestVersion = 64;

/// Whether `count` entries of `size` bytes from `begin` lie within the file.
bool holds(std::string_view bytes, std::uint64_t begin, std::uint64_t count, std::uint64_t size) {
  return begin <= bytes.size() && (size == 0 || count <= (bytes.size() - begin) / size);
}

/// Does the file contain everything that its headers describe? The loader maps it unchecked, and a truncated file would
/// then crash this program.
bool is_whole(std::string_view bytes, const Elf64_Ehdr& header) {
  if (!holds(bytes, header.e_shoff, header.e_shnum, header.e_shentsize)) return false;
  if (header.e_phentsize != sizeof(Elf64_Phdr) || !holds(bytes, header.e_phoff, header.e_phnum, sizeof(Elf64_Phdr)))
    return false;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD && !holds(bytes, segment.p_offset, segment.p_filesz, 1)) return false;
  }
  return true;
}

void check_library(const std::filesystem::path& file, std::string_view bytes) {
  Elf64_Ehdr header{};
  if (bytes.size() >= sizeof header) std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
    fail_usage("--plugin: {} is not a shared library", file.string());
  if (!is_whole(bytes, header)) fail_usage("--plugin: {} is cut short; build it again", file.string());
}

/// Searches for the text rather than for its symbol: resolving a symbol requires loading, and loading runs initialisers
/// that may be incompatible.
void check_interface(const std::filesystem::path& file, std::string_view bytes) {
  const std::size_t mark = bytes.find(kMark);
  if (mark == std::string_view::npos)
    fail_usage("--plugin: {} has no symbol lra_plugin_abi; build it with lra_add_plugin of the CMake package lra",
               file.string());
  const std::string_view rest = bytes.substr(mark + kMark.size(), kLongestVersion);
  const std::string version(rest.substr(0, rest.find('\0')));
  if (version != plugin_interface())
    fail_usage(
        "--plugin: {} was made for the interface {}, this program has {}; build it again with this program's "
        "package",
        file.string(), version, plugin_interface());
}

}  // namespace

std::string plugin_interface() { return LRA_ABI; }

void check_plugin_file(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  check_library(file, text);
  check_interface(file, text);
}

}  // namespace lra
