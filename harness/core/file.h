/// Whole files, written so that a crash leaves either the old content or the new.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace lra {

/// Whether there is a regular file of that name; a name that no file can have, because it is too long, is no error.
bool is_file(const std::filesystem::path& path);

/// The content of a file. Throws a data error that names it.
std::string read_file(const std::filesystem::path& path);

/// Writes to a temporary name in the same folder, syncs, renames. Throws when any of it fails (and removes the
/// temporary).
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, const std::string& text);

/// Takes a piece of content; the next piece follows it.
using Put = std::function<void(std::span<const std::byte>)>;

/// The same for content that comes in pieces, small or large: `fill` hands them over.
void write_file(const std::filesystem::path& path, const std::function<void(const Put& put)>& fill);

/// Gives a synced file another name in its folder, in place of what had that name, and syncs the folder. Throws.
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// A file mapped read-only into memory for as long as this lives.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws a data error that names the file when it cannot be opened or mapped.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace lra
