/// lra: train, measure and compare efficient-attention models on long sequences.
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <execinfo.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <new>

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "harness/build_info.h"
#include "harness/measure.h"
#include "models/tensor/detail/instruction_set.h"
#include "models/tensor/detail/kernels.h"
#include "tools/lra/command.h"
#include "tools/lra/hints.h"
#include "tools/lra/output.h"

namespace lra {

std::atomic<bool> interrupted{false};

namespace {

/// The signals with which users and batch systems end a program: a closing terminal sends SIGHUP, schedulers send
/// SIGUSR1, SIGUSR2 or SIGTERM before the time limit, and the limit of processor time sends SIGXCPU.
constexpr int kEndings[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};

bool is_ignored(int signal) {
  struct sigaction now {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

/// Removes unfinished files, then ends as the signal does by default.
void end(int signal) {
  remove_own_drafts();
  raise(signal);
}

void end_on_signals() {
  struct sigaction action {};
  action.sa_handler = end;
  action.sa_flags = int(SA_RESETHAND);
  for (const int signal : kEndings)
    if (!is_ignored(signal)) sigaction(signal, &action, nullptr);
}

void note(int) { interrupted.store(true); }

/// Only a second SIGINT ends the program: batch systems may send several signals for one end, to the process and to its
/// group.
void note_or_end(int signal) {
  if (!interrupted.exchange(true) || signal != SIGINT) return;
  remove_own_drafts();
  _exit(kInterrupted);
}

}  // namespace

void watch_signals(bool second_ends) {
  static_assert(std::atomic<bool>::is_always_lock_free);
  struct sigaction action {};
  action.sa_handler = second_ends ? note_or_end : note;
  for (const int signal : kEndings) {
    // nohup ignores SIGHUP, so that the program survives its terminal.
    if (signal == SIGHUP && is_ignored(signal)) continue;
    sigaction(signal, &action, nullptr);
  }
}

namespace {

/// Formats a message as one line without control characters.
class Sentence final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const std::string text = shown_on_a_line({message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<Sentence>(); }
};

void log_to_stderr() {
  spdlog::set_default_logger(std::getenv("NO_COLOR") ? spdlog::stderr_logger_st("lra")
                                                     : spdlog::stderr_color_st("lra"));
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<Sentence>('*').set_pattern("lra: %^%*%$");
  spdlog::set_formatter(std::move(formatter));
}

/// Throws unless arguments and paths are UTF-8, as the results, reports and messages that contain them must be.
void expect_utf8(int count, char** arguments) {
  constexpr const char* kAdvice = "rename the file or folder in UTF-8, or use a link with such a name";
  for (int i = 1; i < count; ++i)
    if (!is_utf8(arguments[i])) fail_usage("the argument {} is not UTF-8; {}", shell_word(arguments[i]), kAdvice);
  for (const char* name : {"LRA_DB", "LRA_DATA", "XDG_CACHE_HOME", "HOME"})
    if (const char* value = std::getenv(name); value && !is_utf8(value))
      fail_usage("the environment variable {} is {}, which is not UTF-8; {}", name, shell_word(value), kAdvice);
}

int run_program(int count, char** arguments) {
  expect_utf8(count, arguments);
  if (const char* highest = std::getenv("LRA_MAX_ISA"); highest && *highest) kernels::limit_instruction_set(highest);
  CommandLine line("lra", "Trains, measures and compares efficient-attention models on long sequences.",
                   fmt::format("lra {} ({})", build_info().version, build_info().code_version));
  int exit_code = 0;
  for (const auto add : {add_run, add_bench, add_report, add_compare, add_runs, add_list, add_describe, add_data,
                         add_probe, add_doctor, add_cell})
    add(line.program(), exit_code);
  line.explain_unknown_options(explain_option);
  line.run(count, arguments);
  return exit_code;
}

/// glibc loads its unwinder when the first exception passes through C code and aborts if it cannot, so it is loaded
/// while there is memory.
void prepare_for_exceptions() {
  void* frame = nullptr;
  (void)backtrace(&frame, 1);
}

}  // namespace
}  // namespace lra

/// Turns errors into a message and an exit code; no other code does.
static int run_and_explain(int count, char** arguments) {
  try {
    lra::log_to_stderr();
    lra::guard_output();  // after the log has seen whether there is a terminal
    return lra::run_program(count, arguments);
  } catch (const lra::Error& error) {
    spdlog::error("{}", error.what());
    return int(error.kind());
  } catch (const std::filesystem::filesystem_error& error) {
    spdlog::error("cannot use {}: {}", error.path1().string(), error.code().message());
    return int(lra::Kind::data);
  } catch (const std::bad_alloc&) {
    spdlog::error("{}; use fewer --threads or allow the program more memory", lra::out_of_memory(0, 0));
    return int(lra::Kind::failed);
  } catch (const std::exception& error) {
    spdlog::error("unexpected error: {}", error.what());
    return int(lra::Kind::failed);
  }
}

/// The allocator reserves 64 MiB of address space per thread, too much under an address space limit.
static void share_the_heap_under_a_limit() {
  rlimit addresses{};
  if (getrlimit(RLIMIT_AS, &addresses) == 0 && addresses.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 1);
}

int main(int count, char** arguments) {
  share_the_heap_under_a_limit();
  // A write beyond the file size limit then fails with an error that is reported.
  std::signal(SIGXFSZ, SIG_IGN);
  lra::prepare_for_exceptions();
  lra::end_on_signals();
  return lra::finish_output(run_and_explain(count, arguments));
}
