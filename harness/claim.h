/// Claims on cells: at most one process at a time works on a cell, even after a crash.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lra {

/// A lock on a file. The system releases it when the last process that holds its descriptor ends, so a dead process
/// holds no claim. The file's content (host, process, start) is only for people.
class Claim {
 public:
  /// Takes the claim and creates its file. Returns nothing when another process holds it, possibly of another user.
  /// Throws when the file cannot be created; follows no links and writes only to a regular file.
  static std::optional<Claim> take(const std::filesystem::path& file);
  /// Returns the holder that the file names: "process 4711 on host, since 2026-01-31T12:00:00Z"; "another process" if
  /// the file cannot be read.
  static std::string holder(const std::filesystem::path& file);

  ~Claim();
  Claim(Claim&& other) noexcept;
  Claim& operator=(Claim&& other) noexcept;

  /// Pass this to the process that does the work, so that the claim lives as long as that process.
  int descriptor() const { return descriptor_; }
  /// Removes the file and releases the claim.
  void end();

 private:
  Claim(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}
  std::filesystem::path file_;
  int descriptor_ = -1;
};

/// The current time: UTC, ISO 8601, to the second.
std::string utc_now();

}  // namespace lra
