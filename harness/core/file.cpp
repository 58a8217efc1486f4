#include "harness/core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "harness/core/error.h"

namespace lra {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

void write_all(int fd, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write {}: {}", path.string(), std::strerror(errno));
    bytes = bytes.subspan(std::size_t(n));
  }
}

}  // namespace

bool is_file(const std::filesystem::path& path) {
  std::error_code none;
  return std::filesystem::is_regular_file(path, none);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad()) fail_data("cannot read {}: {}", path.string(), std::strerror(errno));
  return std::move(text).str();
}

void write_file(const std::filesystem::path& path, const std::function<void(const Put&)>& fill) {
  constexpr std::size_t kBuffer = std::size_t{1} << 20;
  const std::filesystem::path temporary = path.string() + fmt::format(".{}.tmp", ::getpid());
  try {
    Descriptor out{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (out.fd < 0) fail("cannot write {}: {}", temporary.string(), std::strerror(errno));
    std::vector<std::byte> buffer;
    fill([&](std::span<const std::byte> piece) {
      if (buffer.size() + piece.size() > kBuffer) {
        write_all(out.fd, buffer, temporary);
        buffer.clear();
      }
      if (piece.size() > kBuffer)
        write_all(out.fd, piece, temporary);
      else
        buffer.insert(buffer.end(), piece.begin(), piece.end());
    });
    write_all(out.fd, buffer, temporary);
    if (::fsync(out.fd) != 0) fail("cannot sync {}: {}", temporary.string(), std::strerror(errno));
    rename_file(temporary, path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    fail("cannot rename {} to {}: {}", from.string(), to.string(), std::strerror(errno));
  const Descriptor folder{
      ::open(to.has_parent_path() ? to.parent_path().c_str() : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd >= 0) ::fsync(folder.fd);
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  write_file(path, [bytes](const Put& put) { put(bytes); });
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  write_file(path, std::as_bytes(std::span(text)));
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  Descriptor in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (in.fd < 0 || ::fstat(in.fd, &status) != 0) fail_data("cannot read {}: {}", path.string(), std::strerror(errno));
  size_ = std::size_t(status.st_size);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, in.fd, 0);
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
