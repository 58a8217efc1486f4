#include "tools/lra/output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <spdlog/spdlog.h>
#include <ext/stdio_sync_filebuf.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace lra {
namespace {

struct Stream {
  int descriptor;
  bool shows;              // whether control characters are made visible; progress lines need them
  int error = 0;           // errno of the first failed write, after which nothing is written
  std::string unfinished;  // an incomplete UTF-8 character
};

// Never destroyed, because output is flushed after static destruction.
Stream& standard_output = *new Stream{STDOUT_FILENO, true, 0, {}};
Stream& standard_error = *new Stream{STDERR_FILENO, false, 0, {}};

void send(Stream& stream, std::string_view text) {
  for (std::size_t sent = 0; stream.error == 0 && sent < text.size();) {
    const ssize_t count = ::write(stream.descriptor, text.data() + sent, text.size() - sent);
    if (count >= 0) {
      sent += std::size_t(count);
    } else if (errno == EAGAIN) {
      pollfd writable{stream.descriptor, POLLOUT, 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      stream.error = errno;
    }
  }
}

/// Reports success even after an error: otherwise fmt would throw and std::cout would stop without a message.
ssize_t write_or_drop(void* cookie, const char* data, std::size_t size) {
  Stream& stream = *static_cast<Stream*>(cookie);
  if (!stream.shows) {
    send(stream, {data, size});
    return ssize_t(size);
  }
  std::string text = std::exchange(stream.unfinished, {}).append(data, size);
  const std::size_t whole = text.size() - bytes_of_unfinished_character(text);
  stream.unfinished = text.substr(whole);
  send(stream, shown(std::string_view(text).substr(0, whole)));
  return ssize_t(size);
}

FILE* guarded(Stream& stream, int buffering) {
  cookie_io_functions_t functions{};
  functions.write = write_or_drop;
  FILE* file = ::fopencookie(&stream, "w", functions);
  if (!file) fail("cannot set up the output: {}", std::strerror(errno));
  std::setvbuf(file, nullptr, buffering, BUFSIZ);
  return file;
}

}  // namespace

void guard_output() {
  // Read-only, so that writing to a closed stream still fails.
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0) (void)::open("/dev/null", O_RDONLY);
  ::signal(SIGPIPE, SIG_IGN);
  stdout = guarded(standard_output, ::isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF);
  stderr = guarded(standard_error, _IONBF);
  // std::cout still uses the old stdout. The buffer is never destroyed, because it is used until the process ends.
  static auto& buffer = *new __gnu_cxx::stdio_sync_filebuf<char>(stdout);
  std::cout.rdbuf(&buffer);
}

int finish_output(int code) {
  std::cout.flush();
  std::fflush(stdout);
  send(standard_output, shown(std::exchange(standard_output.unfinished, {})));
  const int error = standard_output.error;
  if (error == 0 || error == EPIPE) return code;
  spdlog::error("cannot write standard output: {}; results that were stored before are kept", std::strerror(error));
  return code == 0 ? int(Kind::failed) : code;
}

}  // namespace lra
