#include "results/store/database_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "core/error.h"
#include "core/text.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

/// Resolves links, as SQLite does to place its log.
fs::path real(const fs::path& file) {
  std::error_code failed;
  const fs::path path = fs::weakly_canonical(file, failed);
  return failed ? file : path;
}

bool may_write(const fs::path& path) { return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0; }

}  // namespace

void check_database_path(const fs::path& path) {
  if (path.empty()) fail_usage("the name of a database is empty: --db and LRA_DB name a file");
  std::error_code none;
  const fs::file_status status = fs::status(path, none);
  if (fs::is_directory(status)) fail_usage("{} is a folder, not a database: name a file with --db", path.string());
  if (fs::exists(status) && !fs::is_regular_file(status))
    fail_usage("{} is not a regular file and cannot hold a database: name a file with --db", path.string());
}

std::string command_on(const std::filesystem::path& database, const std::string& arguments) {
  return fmt::format("lra {} --db {}", arguments, shell_word(database.string()));
}

bool is_writable(const fs::path& file) {
  const fs::path path = real(file);
  return may_write(path) && may_write(path.has_parent_path() ? path.parent_path() : ".");
}

fs::path sidecar_file(const fs::path& file, const std::string& suffix) { return real(file).string() + suffix; }

void check_no_stale_log(const fs::path& file) {
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    const fs::path left = sidecar_file(file, suffix);
    if (fs::exists(fs::symlink_status(left)))
      fail_usage(
          "{} is left over from an earlier database of this name and would change the new one; move it away, or name "
          "another file",
          left.string());
  }
}

std::string immutable_uri(const fs::path& file) {
  std::string uri = "file:";
  for (const char c : real(file).string())
    if (c == '%' || c == '?' || c == '#')
      uri += fmt::format("%{:02x}", c);
    else
      uri += c;
  return uri + "?immutable=1";
}

bool is_network_file_system(std::int64_t type) {
  // Sources: linux/magic.h, and for those outside the kernel the manual page of statfs(2) and their own headers.
  constexpr std::uint32_t kTypes[] = {
      0x6969,                          // NFS
      0xff534d42, 0xfe534d42, 0x517b,  // CIFS, SMB2, SMB
      0x0bd00bd0,                      // Lustre
      0x47504653,                      // GPFS
      0x19830326,                      // BeeGFS
      0x65735546,                      // FUSE
      0x01021997,                      // 9p
      0x5346414f, 0x6b414653,          // AFS
      0x00c36400,                      // Ceph
      0x73757245,                      // Coda
      0x564c,                          // NCP
      0x01161970, 0x7461636f,          // GFS2, OCFS2
      0xaad7aaea,                      // PanFS
      0x786f4256,                      // VirtualBox's shared folders
  };
  return std::find(std::begin(kTypes), std::end(kTypes), std::uint32_t(type)) != std::end(kTypes);
}

bool is_on_network_file_system(const fs::path& file) {
  const fs::path path = real(file);
  struct statfs status {};
  return ::statfs(path.has_parent_path() ? path.parent_path().c_str() : ".", &status) == 0 &&
         is_network_file_system(std::int64_t(status.f_type));
}

FileIdentity identity_of(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? FileIdentity{status.st_dev, status.st_ino} : FileIdentity{};
}

}  // namespace lra
