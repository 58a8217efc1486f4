/// Whole files, written so that a crash leaves either the old content or the new.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace lra {

/// Whether there is a regular file of that name; a name that no file can have, because it is too long, is no error.
bool is_file(const std::filesystem::path& path);

/// Throws a data error for a pipe, a device or a socket, which whoever reads could wait for without end. What is not
/// there, and a folder, is left to whoever opens it.
void check_can_be_read(const std::filesystem::path& path);

/// The content of a file, or what a pipe that is open already (/dev/stdin, /dev/fd/N) gives until it ends. Throws a
/// data error that names it.
std::string read_file(const std::filesystem::path& path);

/// A file on its way. Its bytes gather in a draft in the same folder; `commit` gives them the name, so that under this
/// name there is always the old content or the whole new one. Without a commit the draft goes away.
///
/// Links are followed: the file behind them is replaced and they stay (where it is the link that should go, remove it
/// first). The new file has mode and owner of the one that it replaces; other hard links keep the old content. What is
/// no regular file (a device, a pipe, a terminal) and what is open already (/dev/stdout, /dev/fd/N) is never replaced:
/// bytes go straight into it, and a reader that goes away is no error. A database, and what SQLite keeps beside it, is
/// never replaced.
///
/// The draft is locked while its process lives. Of a killed process it stays, until the next NewFile of any process in
/// that folder finds it without a lock and removes it.
class NewFile {
 public:
  /// Throws when nothing can be written there, and a usage error for a database.
  explicit NewFile(const std::filesystem::path& path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// As it was given.
  const std::filesystem::path& name() const { return name_; }
  /// The next bytes. Throws when they cannot be written.
  void write(std::span<const std::byte> bytes);
  /// All bytes so far, to be read back before they have the name; empty where they went straight into something else.
  const std::filesystem::path& draft();
  /// Syncs the bytes, gives them the name and syncs the folder. Throws when any of it fails.
  void commit();

 private:
  void open_draft();
  void put(std::span<const std::byte> bytes);
  void flush();

  std::filesystem::path name_, target_, draft_;
  int descriptor_ = -1;
  std::vector<std::byte> buffer_;
};

/// Removes the drafts in a folder whose processes are gone. Each NewFile does, but only the first of a process in each
/// folder.
void remove_abandoned_drafts(const std::filesystem::path& folder);

/// Removes the drafts of this process. For a signal's handler that ends the process: safe there, and only there.
void remove_own_drafts();

/// A whole NewFile at once.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, const std::string& text);

/// Takes a piece of content; the next piece follows it.
using Put = std::function<void(std::span<const std::byte>)>;

/// The same for content that comes in pieces, small or large: `fill` hands them over.
void write_file(const std::filesystem::path& path, const std::function<void(const Put& put)>& fill);

/// Syncs a file, gives it another name in its folder, in place of what had that name (a link too), and syncs the
/// folder. For files that are kept between runs before they are whole; others are a NewFile. Throws.
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
