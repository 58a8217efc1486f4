/// What is known of a database's file without SQLite: whether it may be one, be written, and where it lies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lra {

/// Throws a usage error for what no database can be kept in: no name, a folder, a device.
void check_is_place_of_database(const std::filesystem::path& path);

/// May this process write the file, and its folder, where SQLite keeps its log?
bool may_be_written(const std::filesystem::path& file);

/// SQLite's file of this suffix beside the database, such as -wal.
std::filesystem::path beside(const std::filesystem::path& file, const std::string& suffix);

/// Throws a usage error when a log of a database that had this name lies there still: SQLite would put what it holds
/// into a file that is moved to the name.
void check_no_log_is_left(const std::filesystem::path& file);

/// The file as SQLite's URI that promises that nobody changes it.
std::string immutable_uri(const std::filesystem::path& file);

/// Of a file system's type, as statfs names it: may several hosts, or a process beyond this kernel, change its files?
/// There SQLite's write-ahead log, which needs shared memory, damages a database. FUSE counts, because nothing tells
/// sshfs from a local one.
bool is_network_file_system(std::int64_t type);
/// The same of where a file lies, or would.
bool is_on_network_file_system(const std::filesystem::path& file);

/// Which file it is that a name leads to. Equal for two names of one file.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0;  // 0, 0: there is none
  bool operator==(const FileIdentity&) const = default;
};
FileIdentity identity_of(const std::filesystem::path& file);

}  // namespace lra
