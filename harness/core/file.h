/// Whole files, written so that a crash leaves either the old content or the new.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace lra {

/// Whether a regular file has this name. A name that is too long for any file is not an error.
bool is_file(const std::filesystem::path& path);

/// Throws a data error for a pipe, a device or a socket, on which a read could block forever. Accepts a folder and a
/// missing file: opening those reports the error.
void check_can_be_read(const std::filesystem::path& path);

/// Return the content of a file, or of an open pipe (/dev/stdin, /dev/fd/N) up to its end. Throws a data error that
/// names the file.
std::string read_file(const std::filesystem::path& path);

/// A file that is written atomically. Its bytes go to a draft in the same folder, which `commit` renames, so that the
/// name always refers to the old content or to the complete new content. Without a commit the draft is removed.
///
/// Symbolic links are followed: their target is replaced and they stay (to replace a link, remove it first). The new
/// file takes the mode and owner of the file that it replaces; other hard links keep the old content. A device, a pipe,
/// a terminal or an open descriptor (/dev/stdout, /dev/fd/N) is never replaced: bytes are written directly to it, and a
/// reader that closes its end is not an error. A database and the files that SQLite keeps beside it are never replaced.
///
/// The draft is locked while its process lives. A killed process leaves its draft behind; the next NewFile of any
/// process in that folder finds it unlocked and removes it.
class NewFile {
 public:
  /// Throws when `path` cannot be written, and a usage error for a database.
  explicit NewFile(const std::filesystem::path& path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// As it was given.
  const std::filesystem::path& name() const { return name_; }
  /// Append bytes. Throws when they cannot be written.
  void write(std::span<const std::byte> bytes);
  /// Flush and return the path of the draft, to read it back before the commit; empty when bytes are written directly.
  const std::filesystem::path& draft();
  /// Sync the draft, rename it and sync the folder. Throws when any of these fails.
  void commit();

 private:
  void open_draft();
  void put(std::span<const std::byte> bytes);
  void flush();

  std::filesystem::path name_, target_, draft_;
  int descriptor_ = -1;
  std::vector<std::byte> buffer_;
};

/// Remove the drafts in a folder whose processes have ended. The first NewFile of a process in each folder does this.
void remove_abandoned_drafts(const std::filesystem::path& folder);

/// Remove the drafts of this process. Call it only from a signal handler that ends the process.
void remove_own_drafts();

/// Write a NewFile with this content and commit it.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, const std::string& text);

/// A sink for content that comes in consecutive pieces.
using Put = std::function<void(std::span<const std::byte>)>;

/// The same for content that `fill` passes in pieces of any size.
void write_file(const std::filesystem::path& path, const std::function<void(const Put& put)>& fill);

/// Sync a file, rename it within its folder, replacing a file or link of that name, and sync the folder. Use it for
/// incomplete files that are kept between runs, and a NewFile for all others. Throws when any of these fails.
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
