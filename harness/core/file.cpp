#include "core/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <mutex>
#include <new>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

[[noreturn]] void cannot_write(const fs::path& path) {
  fail("cannot write {}: {}", path.string(), std::strerror(errno));
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : "."; }

void sync_file(int fd, const fs::path& path) {
  while (::fsync(fd) != 0)
    if (errno != EINTR) cannot_write(path);
}

/// A rename is durable only once the folder is synced. Some file systems cannot sync a folder; there this does nothing.
void sync_folder(const fs::path& folder) {
  const Descriptor open{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (open.fd >= 0) ::fsync(open.fd);
}

/// Whether the open file is the one that has this name.
bool is_at(int fd, const fs::path& path) {
  struct stat open {
  }, there{};
  return ::fstat(fd, &open) == 0 && ::lstat(path.c_str(), &there) == 0 && open.st_ino == there.st_ino &&
         open.st_dev == there.st_dev;
}

/// The target of a chain of links, whether or not it exists, or the number of an open descriptor of this process.
struct Target {
  fs::path path;
  int descriptor = -1;
};

Target behind_links(fs::path path) {
  constexpr int kMostLinks = 40;  // as many as the kernel follows
  std::error_code none;
  const fs::path own = fs::canonical("/proc/self/fd", none);
  for (int links = 0; links < kMostLinks; ++links) {
    const std::string name = path.filename().string();
    const bool is_number =
        !name.empty() && name.size() < 9 && name.find_first_not_of("0123456789") == std::string::npos;
    if (is_number && !own.empty() && fs::canonical(folder_of(path), none) == own) return {path, std::stoi(name)};
    std::error_code not_a_link;
    const fs::path next = fs::read_symlink(path, not_a_link);
    if (not_a_link) return {path};
    path = folder_of(path) / next;
  }
  errno = ELOOP;
  cannot_write(path);
}

bool begins_as_database(const fs::path& path) {
  constexpr std::string_view kMagic("SQLite format 3\0",
                                    16);  // https://sqlite.org/fileformat.html, "Magic Header String"
  char begin[kMagic.size()];
  return is_file(path) && std::ifstream(path, std::ios::binary).read(begin, sizeof begin) &&
         std::string_view(begin, sizeof begin) == kMagic;
}

/// Throws a usage error for a database or a file that SQLite keeps beside one, so that stored results are not
/// overwritten.
void refuse_database(const fs::path& name, const fs::path& target) {
  for (const std::string_view suffix : {"", "-wal", "-shm", "-journal"}) {
    const std::string path = target.string();
    if (path.ends_with(suffix) && begins_as_database(path.substr(0, path.size() - suffix.size())))
      fail_usage("{} {} a database, which nothing else may replace; name another file", name.string(),
                 suffix.empty() ? "is" : "belongs to");
  }
}

constexpr std::string_view kDraftBegin = ".lra-", kDraftEnd = ".tmp";

/// A draft of this process, where the handler of a signal finds it. Never freed; what is beyond their number stays for
/// the next NewFile in its folder.
struct OwnDraft {
  std::atomic<bool> taken, there;
  char path[PATH_MAX];
};
OwnDraft own_drafts[16];

void note_draft(const fs::path& path) {
  if (path.native().size() >= PATH_MAX) return;
  for (OwnDraft& draft : own_drafts) {
    if (draft.taken.exchange(true)) continue;
    std::strcpy(draft.path, path.c_str());
    draft.there = true;
    return;
  }
}

void forget_draft(const fs::path& path) {
  for (OwnDraft& draft : own_drafts) {
    if (!draft.there || path != draft.path) continue;
    draft.there = false;
    draft.taken = false;
    return;
  }
}

}  // namespace

namespace {

/// Throws a data error for a folder, which can be opened but not read.
void expect_no_folder(const fs::path& path) {
  std::error_code none;
  if (fs::is_directory(path, none)) fail_data("{} is a folder; name a file", path.string());
}

}  // namespace

bool is_file(const std::filesystem::path& path) {
  std::error_code none;
  return std::filesystem::is_regular_file(path, none);
}

void check_can_be_read(const fs::path& path) {
  std::error_code none;
  const fs::file_status status = fs::status(path, none);
  if (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status))
    fail_data("cannot read {}: it is not a regular file but a pipe, a device or a socket; name a file", path.string());
}

std::string read_file(const std::filesystem::path& path) {
  expect_no_folder(path);
  if (behind_links(path).descriptor < 0) check_can_be_read(path);
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad()) fail_data("cannot read {}: {}", path.string(), std::strerror(errno));
  return std::move(text).str();
}

void remove_abandoned_drafts(const fs::path& folder) {
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kDraftBegin) || !name.ends_with(kDraftEnd)) continue;
    const Descriptor draft{::open(entry->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (draft.fd >= 0 && ::flock(draft.fd, LOCK_EX | LOCK_NB) == 0 && is_at(draft.fd, entry->path()))
      ::unlink(entry->path().c_str());
  }
}

void remove_own_drafts() {
  static_assert(std::atomic<bool>::is_always_lock_free);
  for (const OwnDraft& draft : own_drafts)
    if (draft.there) ::unlink(draft.path);
}

NewFile::NewFile(const fs::path& path) : name_(path) {
  const Target target = behind_links(path);
  target_ = target.path;
  refuse_database(name_, target_);
  struct stat status {};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (target.descriptor >= 0)
    descriptor_ = ::fcntl(target.descriptor, F_DUPFD_CLOEXEC, 0);
  else if (exists && !S_ISREG(status.st_mode))
    descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  else if (!exists || ::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) == 0)
    open_draft();
  if (descriptor_ < 0) cannot_write(name_);
  if (draft_.empty() || !exists) return;
  // Without the permission to change the owner, keep at least the group, or else the mode alone.
  [[maybe_unused]] const bool same =
      ::fchown(descriptor_, status.st_uid, status.st_gid) == 0 || ::fchown(descriptor_, uid_t(-1), status.st_gid) == 0;
  ::fchmod(descriptor_, status.st_mode & 0777);
}

NewFile::~NewFile() {
  if (!draft_.empty()) ::unlink(draft_.c_str()), forget_draft(draft_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void NewFile::open_draft() {
  static std::mutex mutex;
  static std::set<fs::path> seen;
  static long count = 0;
  const std::lock_guard lock(mutex);
  const fs::path folder = folder_of(target_);
  std::error_code none;
  if (seen.insert(fs::absolute(folder, none)).second) remove_abandoned_drafts(folder);
  while (true) {
    draft_ = folder / fmt::format("{}{}-{}{}", kDraftBegin, ::getpid(), ++count, kDraftEnd);
    descriptor_ = ::open(draft_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno == EEXIST) continue;  // this number on another host, or in an earlier process
    if (descriptor_ < 0) return draft_.clear();
    // Until it is locked, another process may take it for abandoned and remove it. Where locks do not work, none does.
    if ((::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && is_at(descriptor_, draft_))
      return note_draft(draft_);
    ::close(std::exchange(descriptor_, -1));
  }
}

void NewFile::write(std::span<const std::byte> bytes) {
  constexpr std::size_t kBuffer = std::size_t{1} << 20;
  if (buffer_.size() + bytes.size() > kBuffer) flush();
  if (bytes.size() > kBuffer) return put(bytes);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void NewFile::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EPIPE && draft_.empty()) return;  // the reader has closed its end
    if (n < 0 && errno != EINTR) cannot_write(name_);
    if (n > 0) bytes = bytes.subspan(std::size_t(n));
  }
}

void NewFile::flush() {
  put(buffer_);
  buffer_.clear();
}

const fs::path& NewFile::draft() {
  flush();
  return draft_;
}

void NewFile::commit() {
  flush();
  if (draft_.empty()) return;
  sync_file(descriptor_, name_);
  if (::rename(draft_.c_str(), target_.c_str()) != 0) cannot_write(name_);
  forget_draft(draft_);
  draft_.clear();
  sync_folder(folder_of(target_));
}

void write_file(const fs::path& path, const std::function<void(const Put&)>& fill) {
  NewFile file(path);
  fill([&file](std::span<const std::byte> piece) { file.write(piece); });
  file.commit();
}

void rename_file(const fs::path& from, const fs::path& to) {
  {
    const Descriptor whole{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
    if (whole.fd < 0) cannot_write(from);
    sync_file(whole.fd, from);
  }
  if (::rename(from.c_str(), to.c_str()) != 0)
    fail("cannot rename {} to {}: {}", from.string(), to.string(), std::strerror(errno));
  sync_folder(folder_of(to));
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  write_file(path, [bytes](const Put& put) { put(bytes); });
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  write_file(path, std::as_bytes(std::span(text)));
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  expect_no_folder(path);
  check_can_be_read(path);
  Descriptor in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (in.fd < 0 || ::fstat(in.fd, &status) != 0) fail_data("cannot read {}: {}", path.string(), std::strerror(errno));
  size_ = std::size_t(status.st_size);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, in.fd, 0);
  if (address == MAP_FAILED && errno == ENOMEM) throw std::bad_alloc();
  if (address == MAP_FAILED) fail_data("cannot map {}: {}", path.string(), std::strerror(errno));
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace lra
