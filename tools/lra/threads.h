/// The number of threads of a command.
#pragma once

namespace lra {

/// The number of threads for --threads `asked`; 0 means one per CPU that this process can use. Logs a warning when it
/// exceeds the usable CPUs. Throws a usage error when it is out of range.
long threads_of(long asked);

/// Whether this many threads would have to share CPUs, so that timings do not measure the model alone.
bool is_more_than_machine(long threads);

}  // namespace lra
