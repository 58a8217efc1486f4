/// Checks on a database's file that do not need SQLite: whether the path can name one, whether it is writable, and on
/// which kind of file system it lies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lra {

/// Throws a usage error when no database can be stored at `path`: an empty name, a folder or a device.
void check_database_path(const std::filesystem::path& path);

/// Returns a command line for this database: "lra runs show 3 --db mine.db", quoted for a shell.
std::string command_on(const std::filesystem::path& database, const std::string& arguments);

/// Whether this process can write the file and its folder, in which SQLite keeps its log.
bool is_writable(const std::filesystem::path& file);

/// The file with this suffix, such as "-wal", that SQLite keeps beside the database.
std::filesystem::path sidecar_file(const std::filesystem::path& file, const std::string& suffix);

/// Throws a usage error when a log of an earlier database of this name is still there: SQLite would apply it to a file
/// that is moved to this name.
void check_no_stale_log(const std::filesystem::path& file);

/// SQLite's URI for opening the file as immutable, which promises that no process changes it.
std::string immutable_uri(const std::filesystem::path& file);

/// Whether several hosts, or processes outside this kernel, can change files on a file system of this type (statfs's
/// f_type). SQLite's write-ahead log needs shared memory and would damage a database there. FUSE counts, because sshfs
/// cannot be told from a local one.
bool is_network_file_system(std::int64_t type);
/// The same for the file system of the file's folder; the file itself need not exist.
bool is_on_network_file_system(const std::filesystem::path& file);

/// Identifies the file that a path leads to. Equal for two names of one file.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0;  // 0, 0: no file
  bool operator==(const FileIdentity&) const = default;
};
FileIdentity identity_of(const std::filesystem::path& file);

}  // namespace lra
