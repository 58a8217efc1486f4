/// lra: train, measure and compare efficient-attention models on long sequences.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "harness/build_info.h"
#include "harness/core/error.h"
#include "models/tensor/instruction_set.h"
#include "tools/lra/command.h"
#include "tools/lra/output.h"
#include "tools/lra/selection.h"

namespace lra {

std::atomic<bool> interrupted{false};

void watch_signals(bool second_ends) {
  static_assert(std::atomic<bool>::is_always_lock_free);
  struct sigaction action {};
  if (second_ends)
    action.sa_handler = [](int) {
      if (interrupted.exchange(true)) _exit(kInterrupted);
    };
  else
    action.sa_handler = [](int) { interrupted.store(true); };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

namespace {

void log_to_stderr() {
  spdlog::set_default_logger(std::getenv("NO_COLOR") ? spdlog::stderr_logger_st("lra")
                                                     : spdlog::stderr_color_st("lra"));
  spdlog::set_pattern("lra: %^%v%$");
}

int run_program(int count, char** arguments) {
  if (const char* highest = std::getenv("LRA_MAX_ISA"); highest && *highest) kernels::limit_instruction_set(highest);
  CommandLine line("lra", "Trains, measures and compares efficient-attention models on long sequences.",
                   fmt::format("lra {} ({})", build_info().version, build_info().code_version));
  int exit_code = 0;
  for (const auto add : {add_run, add_bench, add_report, add_compare, add_runs, add_list, add_describe, add_data,
                         add_probe, add_doctor, add_cell})
    add(line.program(), exit_code);
  line.explain_unknown_options(explain_setting);
  line.run(count, arguments);
  return exit_code;
}

}  // namespace
}  // namespace lra

/// Errors become a sentence and an exit code here, and nowhere else.
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
  } catch (const std::exception& error) {
    spdlog::error("stopped by an unexpected failure: {}", error.what());
    return int(lra::Kind::failed);
  }
}

int main(int count, char** arguments) { return lra::after_output(run_and_explain(count, arguments)); }
