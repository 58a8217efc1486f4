#include "harness/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/remedy.h"
#include "harness/protocol.h"

namespace lra {
namespace {

/// No valid answer is longer.
constexpr std::size_t kLongestLine = std::size_t{64} << 20;

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

/// Returns a memory file rather than a pipe: a process that ends without reading can neither block nor signal this one.
int file_with(const std::string& text) {
  Descriptor file(memfd_create("request", MFD_CLOEXEC));
  if (file.get() < 0 || write(file.get(), text.data(), text.size()) != ssize_t(text.size()) ||
      lseek(file.get(), 0, SEEK_SET) != 0)
    fail("cannot prepare the request of a cell: {}", std::strerror(errno));
  return file.release();
}

/// Opens the log and empties it. Does not follow links.
int open_log(const std::filesystem::path& log) {
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
  if (file >= 0) return file;
  const int error = errno;
  const std::string remedy = remedy_of(error);
  fail("cannot write {}: {}; {}, or name another database with --db", log.string(), std::strerror(error),
       remedy.empty() ? "remove what is there" : remedy);
}

/// Owns the file actions of posix_spawn.
struct Actions {
  posix_spawn_file_actions_t list;
  Actions() { posix_spawn_file_actions_init(&list); }
  ~Actions() { posix_spawn_file_actions_destroy(&list); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
};

}  // namespace

Child::Child(const std::vector<std::string>& command, const std::string& request, const Inheritance& inheritance) {
  const Descriptor input(file_with(request));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe for a cell: {}", std::strerror(errno));
  Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  fcntl(reading.get(), F_SETFL, O_NONBLOCK);

  const Descriptor log(inheritance.log.empty() ? -1 : open_log(inheritance.log));

  // Duplicated above the descriptors that are assigned below, because the claim may be one of them.
  const Descriptor claim(inheritance.claim < 0 ? -1 : fcntl(inheritance.claim, F_DUPFD_CLOEXEC, kClaimDescriptor + 1));
  if (inheritance.claim >= 0 && claim.get() < 0) fail("cannot hand on the claim of a cell: {}", std::strerror(errno));

  Actions actions;
  posix_spawn_file_actions_adddup2(&actions.list, input.get(), STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions.list, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions.list, writing.get(), kAnswerDescriptor);
  if (claim.get() >= 0) posix_spawn_file_actions_adddup2(&actions.list, claim.get(), kClaimDescriptor);
  if (log.get() >= 0) posix_spawn_file_actions_adddup2(&actions.list, log.get(), STDERR_FILENO);

  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int error = posix_spawn(&process_, arguments[0], &actions.list, nullptr, arguments.data(), environ);
  if (error != 0)
    fail("cannot start '{}': {}{}", command[0], std::strerror(error),
         error == EAGAIN ? "; raise the limit of processes (ulimit -u)" : "");
  answers_ = reading.release();
}

Child::~Child() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  if (answers_ >= 0) close(answers_);
}

std::vector<std::string> Child::read_lines() {
  std::vector<std::string> lines;
  char buffer[1 << 16];
  while (answers_ >= 0) {
    const ssize_t count = read(answers_, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count <= 0) {
      close(std::exchange(answers_, -1));
      if (!partial_.empty()) lines.push_back(std::exchange(partial_, {}));
      break;
    }
    for (std::string_view text(buffer, std::size_t(count)); !text.empty();) {
      const std::size_t end = text.find('\n');
      partial_ += text.substr(0, end);
      if (end == std::string_view::npos) break;
      lines.push_back(std::exchange(partial_, {}));
      text.remove_prefix(end + 1);
    }
    if (partial_.size() > kLongestLine) {
      lines.push_back(partial_.substr(0, 100));
      partial_.clear();
    }
  }
  return lines;
}

void Child::send_signal(int signal) const {
  if (process_ > 0) kill(process_, signal);
}

std::string Child::wait() {
  int status = 0;
  rusage used{};
  while (wait4(process_, &status, 0, &used) < 0 && errno == EINTR) {
  }
  process_ = -1;
  const auto seconds = [](const timeval& time) { return double(time.tv_sec) + 1e-6 * double(time.tv_usec); };
  cpu_seconds_ = seconds(used.ru_utime) + seconds(used.ru_stime);
  if (WIFSIGNALED(status)) return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  const int code = WEXITSTATUS(status);
  return code == 0 ? "" : fmt::format("exit code {}", code);
}

}  // namespace lra
