/// What the program prints: no failure of it is lost, and none ends a command half-way.
#pragma once

namespace lra {

/// To be called once, before anything is printed. From then on what cannot be written to standard output or standard
/// error is dropped where it is printed, by std::cout or by C, and the reason is kept: a command goes on, because its
/// results may go into a database or a file. A reader that goes away raises no signal, and no file that is opened later
/// gets the number of a standard stream that was closed.
void guard_output();

/// Writes what is left. The exit code to end with: `code`, unless standard output could not be written; then that is
/// said on standard error, and 0 becomes 1. A reader that went away had what it wanted, which is no error.
int after_output(int code);

}  // namespace lra
