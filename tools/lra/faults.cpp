// A library that disk_test and limits_test preload into the program: writes to regular files fail as on a full disk,
// and threads as at a process limit.
//   LRA_FAULT_AT=N           the N-th write of each process fails, and LRA_FAULT_COUNT - 1 writes after it
//   LRA_FAULT_COUNT=N        the number of writes that fail; default 1
//   LRA_FAULT_KILL=N         the process gets signal N at the first write that would fail
//   LRA_FAULT_FILE_SYSTEM=N  every folder appears to be on a file system of type N (statfs's f_type)
//   LRA_FAULT_THREAD=N       the N-th thread of each process and all later ones cannot be started
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

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

template <typename Function>
Function original(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, size_t size) {
  static const auto call = original<ssize_t (*)(int, const void*, size_t)>("write");
  return fails(descriptor) ? -1 : call(descriptor, data, size);
}

ssize_t pwrite(int descriptor, const void* data, size_t size, off_t at) {
  static const auto call = original<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return fails(descriptor) ? -1 : call(descriptor, data, size, at);
}

ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t at) {
  static const auto call = original<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return fails(descriptor) ? -1 : call(descriptor, data, size, at);
}

int fsync(int descriptor) {
  static const auto call = original<int (*)(int)>("fsync");
  return fails(descriptor) ? -1 : call(descriptor);
}

int fdatasync(int descriptor) {
  static const auto call = original<int (*)(int)>("fdatasync");
  return fails(descriptor) ? -1 : call(descriptor);
}

// rename can need disk space for a new directory entry.
int rename(const char* from, const char* to) {
  static const auto call = original<int (*)(const char*, const char*)>("rename");
  return fails() ? -1 : call(from, to);
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
