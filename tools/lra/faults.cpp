// A library that disk_test and limits_test preload into the program: writes to regular files fail as on a full disk,
// and threads as at a process limit.
//   LRA_FAULT_AT=N           the N-th write of each process fails, and LRA_FAULT_COUNT - 1 writes after it
//   LRA_FAULT_COUNT=N        the number of writes that fail; default 1
//   LRA_FAULT_KILL=N         the process gets signal N at the first write that would fail
//   LRA_FAULT_FILE_SYSTEM=N  every folder appears to be on a file system of type N (statfs's f_type)
//   LRA_FAULT_THREAD=N       the N-th thread of each process and all later ones cannot be started
//   LRA_SYNC_LOG=FILE        appends a line for each written file that is renamed: "synced NAME" if its last write was
//                            followed by a sync, otherwise "unsynced NAME"
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

namespace {

long number(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtol(text, nullptr, 0) : otherwise;
}

/// Counts this call and returns whether it must fail.
bool fails() {
  static const long first = number("LRA_FAULT_AT", 0), count = number("LRA_FAULT_COUNT", 1);
  static std::atomic<long> calls{0};
  if (first == 0) return false;
  const long call = ++calls;
  if (call < first || call >= first + count) return false;
  if (const long signal = number("LRA_FAULT_KILL", 0)) kill(getpid(), int(signal));
  errno = ENOSPC;
  return true;
}

/// The same, but only counts calls on regular files, because pipes and terminals never fill up.
bool fails(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && fails();
}

/// The regular files that this process has written, by inode, and whether each was synced since. Never freed: writes
/// may follow the end of static objects.
struct Written {
  std::mutex mutex;
  std::map<ino_t, bool> synced;
};
Written& written() {
  static auto* const all = new Written;
  return *all;
}

ino_t regular_file(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) ? status.st_ino : 0;
}

void note(int descriptor, bool synced) {
  static const bool wanted = std::getenv("LRA_SYNC_LOG") != nullptr;
  const ino_t file = wanted ? regular_file(descriptor) : 0;
  if (file == 0) return;
  const std::lock_guard lock(written().mutex);
  written().synced[file] = synced;
}

void log_rename(const char* from, const char* to) {
  const char* const log = std::getenv("LRA_SYNC_LOG");
  struct stat status {};
  if (!log || stat(from, &status) != 0) return;
  std::string line;
  {
    const std::lock_guard lock(written().mutex);
    const auto found = written().synced.find(status.st_ino);
    if (found == written().synced.end()) return;
    line = std::string(found->second ? "synced " : "unsynced ") + to + "\n";
  }
  const int file = open(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (write(file, line.data(), line.size()) < 0) abort();
  close(file);
}

template <typename Function>
Function original(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, size_t size) {
  static const auto call = original<ssize_t (*)(int, const void*, size_t)>("write");
  note(descriptor, false);
  return fails(descriptor) ? -1 : call(descriptor, data, size);
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  static const auto call = original<ssize_t (*)(int, const iovec*, int)>("writev");
  note(descriptor, false);
  return fails(descriptor) ? -1 : call(descriptor, parts, count);
}

ssize_t pwrite(int descriptor, const void* data, size_t size, off_t at) {
  static const auto call = original<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  note(descriptor, false);
  return fails(descriptor) ? -1 : call(descriptor, data, size, at);
}

ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t at) {
  static const auto call = original<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  note(descriptor, false);
  return fails(descriptor) ? -1 : call(descriptor, data, size, at);
}

int fsync(int descriptor) {
  static const auto call = original<int (*)(int)>("fsync");
  note(descriptor, true);
  return fails(descriptor) ? -1 : call(descriptor);
}

int fdatasync(int descriptor) {
  static const auto call = original<int (*)(int)>("fdatasync");
  note(descriptor, true);
  return fails(descriptor) ? -1 : call(descriptor);
}

// rename can need disk space for a new directory entry.
int rename(const char* from, const char* to) {
  static const auto call = original<int (*)(const char*, const char*)>("rename");
  log_rename(from, to);
  return fails() ? -1 : call(from, to);
}

int syncfs(int descriptor) {
  static const auto call = original<int (*)(int)>("syncfs");
  {
    const std::lock_guard lock(written().mutex);
    for (auto& [file, synced] : written().synced) synced = true;
  }
  return call(descriptor);
}

int ftruncate(int descriptor, off_t size) {
  static const auto call = original<int (*)(int, off_t)>("ftruncate");
  return fails(descriptor) ? -1 : call(descriptor, size);
}

int statfs(const char* path, struct statfs* status) {
  static const auto call = original<int (*)(const char*, struct statfs*)>("statfs");
  const int result = call(path, status);
  if (const long type = number("LRA_FAULT_FILE_SYSTEM", 0); result == 0 && type != 0) status->f_type = type;
  return result;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*begin)(void*), void* argument) {
  static const auto call =
      original<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  static const long first = number("LRA_FAULT_THREAD", 0);
  static std::atomic<long> calls{0};
  return first > 0 && ++calls >= first ? EAGAIN : call(thread, attributes, begin, argument);
}

}  // extern "C"
