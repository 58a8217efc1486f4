/// Who works on a cell: at most one process at a time, whatever happens to it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lra {

/// A lock on a file. The system gives it up when the last process that holds its descriptor ends, so a dead process
/// keeps no claim; what stands in the file (host, process, start) is for people.
class Claim {
 public:
  /// Nothing when another process has it, be it another user's. Makes the file. Throws when that cannot be done: links
  /// are not followed, and nothing is written to what is no regular file.
  static std::optional<Claim> take(const std::filesystem::path& file);
  /// Who says in the file to have it: "process 4711 on host, since 2026-01-31T12:00:00Z"; "another process" when that
  /// cannot be read.
  static std::string holder(const std::filesystem::path& file);

  ~Claim();
  Claim(Claim&& other) noexcept;
  Claim& operator=(Claim&& other) noexcept;

  /// To be handed to the process that does the work, so that the claim lives as long as that one.
  int descriptor() const { return descriptor_; }
  /// Removes the file and gives the claim up.
  void end();

 private:
  Claim(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}
  std::filesystem::path file_;
  int descriptor_ = -1;
};

/// UTC, ISO 8601, to the second.
std::string utc_now();

}  // namespace lra
