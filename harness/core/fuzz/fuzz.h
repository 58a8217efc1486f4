/// Functions that the fuzz targets share. A target is one file that defines LLVMFuzzerTestOneInput; built with clang
/// and LRA_FUZZ it is a libFuzzer program, otherwise replay.cpp runs it over the saved inputs in corpus/ beside the
/// target.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <span>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace lra::fuzz {

/// Return a temporary folder, removed when the process ends. Loaders read files, so inputs are written here.
inline const std::filesystem::path& folder() {
  struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() / fmt::format("lra_fuzz_{}", ::getpid());
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
  };
  static const Folder one;
  return one.path;
}

/// Run `action`. Malformed input should end in an Error, which is ignored here; anything else is a finding.
void survive(auto&& action) {
  try {
    action();
  } catch (const Error&) {
  }
}

inline std::span<const std::byte> bytes(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// Overwrite a file without syncing it, which would take most of a run's time. Creates its folder when missing.
void write(const std::filesystem::path& file, std::span<const std::byte> content);

}  // namespace lra::fuzz
