/// The subcommands. Each adds itself and its options to the program; its action sets the exit code.
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
/// Hidden: one cell of a matrix, started by `run` in a process of its own.
void add_cell(const Command& program, int& exit_code);

/// --plugin FILE: its models are there before the command begins.
void add_plugin_option(const Command& command);

/// Set by SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU once `watch_signals` was called; before, they end the
/// program and take its unfinished files with it. A second SIGINT ends the program at once where `second_ends` is set;
/// cells are told once and then have their time.
extern std::atomic<bool> interrupted;
void watch_signals(bool second_ends);

/// The exit code after an interruption.
inline constexpr int kInterrupted = 130;

}  // namespace lra
