#include "harness/claim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/error.h"
#include "core/json.h"
#include "core/remedy.h"

namespace lra {
namespace {

/// Is the open file still the one at this path? Its last holder may have removed it in the meantime.
bool is_at(int descriptor, const std::filesystem::path& file) {
  struct stat open {
  }, there{};
  return fstat(descriptor, &open) == 0 && lstat(file.c_str(), &there) == 0 && open.st_ino == there.st_ino &&
         open.st_dev == there.st_dev;
}

/// Flags that neither follow links nor wait for a pipe.
constexpr int kSafeFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

bool is_regular(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

constexpr const char* kRemove = "remove what is there";

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why, const std::string& remedy) {
  fail("cannot claim the cell with {}: {}; {}, or name another database with --db", file.string(), why, remedy);
}

[[noreturn]] void refuse(const std::filesystem::path& file, int error) {
  const std::string remedy = remedy_of(error);
  refuse(file, error == ELOOP ? "it is a symbolic link" : std::strerror(error), remedy.empty() ? kRemove : remedy);
}

void sign(int descriptor, const std::filesystem::path& file) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const std::string text = Json{{"host", host}, {"process", long(getpid())}, {"since", utc_now()}}.dump() + "\n";
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, text.data(), text.size(), 0) != ssize_t(text.size()))
    refuse(file, errno);
}

}  // namespace

std::optional<Claim> Claim::take(const std::filesystem::path& file) {
  while (true) {
    Claim claim(file, open(file.c_str(), O_RDWR | O_CREAT | kSafeFlags, 0644));
    // Another user's file can only be opened for reading, but that suffices for a lock, and its owner may be working.
    const int error = errno;
    const bool is_anothers = claim.descriptor_ < 0 && error == EACCES;
    if (is_anothers) claim = Claim(file, open(file.c_str(), O_RDONLY | kSafeFlags));
    if (claim.descriptor_ < 0) refuse(file, error);
    if (!is_regular(claim.descriptor_)) refuse(file, "it is not a regular file", kRemove);
    if (flock(claim.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      if (errno == EINTR) continue;
      refuse(file, errno);
    }
    if (!is_at(claim.descriptor_, file)) continue;
    if (is_anothers) {  // its owner has ended without removing it
      if (unlink(file.c_str()) != 0) refuse(file, errno);
      continue;
    }
    sign(claim.descriptor_, file);
    return claim;
  }
}

std::string Claim::holder(const std::filesystem::path& file) {
  char text[512];
  const int descriptor = open(file.c_str(), O_RDONLY | kSafeFlags);
  const ssize_t size = descriptor < 0 ? -1 : read(descriptor, text, sizeof text);
  if (descriptor >= 0) close(descriptor);
  const Json json = Json::parse(std::string(text, size > 0 ? std::size_t(size) : 0), nullptr, false);
  if (!json.is_object() || !json.value("process", Json()).is_number_integer() ||
      !json.value("host", Json()).is_string() || !json.value("since", Json()).is_string())
    return "another process";
  return fmt::format("process {} on {}, since {}", json.at("process").get<long>(), json.at("host").get<std::string>(),
                     json.at("since").get<std::string>());
}

void Claim::end() {
  if (descriptor_ < 0) return;
  unlink(file_.c_str());  // before the lock is released: a process that has opened the file sees that it is gone
  close(std::exchange(descriptor_, -1));
}

Claim::~Claim() {
  if (descriptor_ >= 0) close(descriptor_);
}

Claim::Claim(Claim&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

Claim& Claim::operator=(Claim&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace lra
