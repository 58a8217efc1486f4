/// Standard output and standard error: a write error is reported in the end but does not abort the command.
#pragma once

namespace lra {

/// Call this once before anything is printed. From then on, text that cannot be written to standard output or standard
/// error, through std::cout or stdio, is dropped and the first error is kept. The command goes on, because its results
/// may go to a database or a file. A closed pipe raises no signal, and the descriptor of a closed standard stream is
/// not reused for other files.
void guard_output();

/// Flushes the output and returns the exit code: `code`, or 1 in place of 0 if standard output could not be written,
/// which is then logged. A closed pipe is not an error.
int finish_output(int code);

}  // namespace lra
