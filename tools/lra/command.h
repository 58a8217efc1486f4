/// The subcommands. Each function adds one to the program; running it sets the exit code.
#pragma once

#include <atomic>

#include "tools/lra/command_line.h"

namespace lra {

void add_run(const Command& program, int& exit_code);
void add_bench(const Command& program, int& exit_code);
void add_report(const Command& program, int& exit_code);
void add_compare(const Command& program, int& exit_code);
void add_runs(const Command& program, int& exit_code);
void add_list(const Command& program, int& exit_code);
void add_describe(const Command& program, int& exit_code);
void add_data(const Command& program, int& exit_code);
void add_probe(const Command& program, int& exit_code);
void add_doctor(const Command& program, int& exit_code);
/// A hidden command that runs one cell of a matrix; `run` starts it in a separate process.
void add_cell(const Command& program, int& exit_code);

/// Adds --plugin FILE, which loads the file's models before the command runs.
void add_plugin_option(const Command& command);

/// Set by SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU after watch_signals was called. Before that, these
/// signals end the program, which first removes its unfinished files. With `second_ends`, a second SIGINT ends the
/// program at once; without it, further signals do nothing, so that a cell can finish its checkpoint.
extern std::atomic<bool> interrupted;
void watch_signals(bool second_ends);

/// The exit code after an interruption.
inline constexpr int kInterrupted = 130;

}  // namespace lra
